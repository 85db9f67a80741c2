// SPDX-License-Identifier: Apache-2.0

/// What of an archive was not put into a rootfs, by kind: it is counted and told, never silently lost.
package struct Omissions: Sendable, Equatable {
    /// The kinds, by the words in which users are told.
    package enum Kind: String, Sendable, CaseIterable {
        /// The container's runtime makes its own.
        case devices = "device nodes"
        /// Mandatory access control and whatever else in `security.*` belongs to the host.
        case labels = "security labels"
        /// `trusted.*`: the host's overlay layers use it.
        case trusted = "trusted attributes"
        /// Attributes of other namespaces, or on something that is neither a file nor a directory.
        case attributes = "other extended attributes"
        /// Access control lists with names instead of numbers, or of other systems.
        case accessLists = "access control lists"
        /// Immutable, append-only and their like.
        case fileFlags = "file flags"
        /// What the file system of the rootfs has no place for.
        case unsupported = "attributes that the file system cannot hold"

        /// The words for so many.
        fileprivate func words(_ count: Int) -> String {
            guard count == 1 else { return rawValue }
            return self == .unsupported ? "attribute that the file system cannot hold" : String(rawValue.dropLast())
        }
    }

    private var counts: [Kind: Int] = [:]

    /// Nothing was left out.
    package init() {}

    /// How many of a kind.
    package subscript(kind: Kind) -> Int {
        get { counts[kind] ?? 0 }
        set { counts[kind] = newValue == 0 ? nil : newValue }
    }

    package var isEmpty: Bool { counts.isEmpty }

    /// Adds others.
    package static func += (left: inout Omissions, right: Omissions) {
        for (kind, count) in right.counts { left[kind] += count }
    }

    /// As text for people, as in `2 device nodes, 1 security label`.
    package var description: String {
        Kind.allCases.filter { self[$0] > 0 }.map { "\(self[$0]) \($0.words(self[$0]))" }.joined(separator: ", ")
    }

    /// All counts in the order of the kinds, as one word for another program.
    package var words: String { Kind.allCases.map { String(self[$0]) }.joined(separator: ",") }

    /// Reads what `words` wrote; nil if it is anything else.
    package init?(words: some StringProtocol) {
        let numbers = words.split(separator: ",").map { Int($0) }
        guard numbers.count == Kind.allCases.count else { return nil }
        for (kind, number) in zip(Kind.allCases, numbers) {
            guard let number, number >= 0 else { return nil }
            self[kind] = number
        }
    }
}
