// SPDX-License-Identifier: Apache-2.0

/// The name of a package of Slackware's form: `NAME-VERSION-ARCHITECTURE-BUILD.txz`.
struct SlackwarePackage: Equatable {
    /// Without its ending.
    let full: String
    /// What is in front of version, architecture and build; names may have dashes of their own.
    let name: String
    let version: String
    let architecture: String

    private static let endings = [".txz", ".tgz", ".tzst", ".tbz", ".tlz"]

    /// Reads the name of a file; nil if it is none of a package.
    init?(file: String) {
        guard let ending = Self.endings.first(where: { file.hasSuffix($0) }) else { return nil }
        self.init(full: String(file.dropLast(ending.utf8.count)))
    }

    /// Reads a name without its ending.
    init?(full: String) {
        let words = full.split(separator: "-", omittingEmptySubsequences: false)
        guard words.count > 3, !words.contains("") else { return nil }
        self.full = full
        name = words.dropLast(3).joined(separator: "-")
        version = "\(words[words.count - 3])-\(words[words.count - 1])"
        architecture = String(words[words.count - 2])
    }

    /// Whether it is one of `names`, by the first word of its name, or the first two: `glibc` means `glibc-zoneinfo` as
    /// well. This is how existing lists are meant.
    func isOne(of names: Set<String>) -> Bool {
        let words = full.split(separator: "-")
        return names.contains(String(words[0])) || names.contains("\(words[0])-\(words[1])")
    }
}
