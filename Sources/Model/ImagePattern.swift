// SPDX-License-Identifier: Apache-2.0

/// Which images something is meant for: `debian/*/amd64/*`, in which `*` stands for any number of characters of one part and
/// `?` for one. Parts at the end that are left out may be anything.
package struct ImagePattern: Hashable, Sendable, CustomStringConvertible {
    /// Distribution, release, architecture and variant.
    private let parts: [String]

    /// Reads one to four parts.
    ///
    /// - Throws: `USAGE` for what can match no image.
    package init(_ text: String) throws(RootcellarError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard (1...4).contains(parts.count), parts.allSatisfy(Self.isPart) else {
            throw RootcellarError(
                .usage,
                "not a pattern of image names",
                subject: "'\(text)'",
                hint: "write it as in debian/*/amd64"
            )
        }
        self.parts = parts + Array(repeating: "*", count: 4 - parts.count)
    }

    /// All four parts.
    package var description: String { parts.joined(separator: "/") }

    /// Whether an image is meant.
    package func matches(_ name: ImageName) -> Bool {
        let names = [name.distribution, name.release, name.architecture, name.variant]
        return zip(parts, names).allSatisfy { Self.matches(Array($0.utf8)[...], Array($1.utf8)[...]) }
    }

    /// What could be a name if each star and question mark were a letter.
    private static func isPart(_ text: String) -> Bool {
        !text.isEmpty && ImageName.isName(String(text.map { $0 == "*" || $0 == "?" ? "x" : $0 }))
    }

    /// The last star gives way where the rest does not fit, so that the work is at most the product of both lengths.
    private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        var (pattern, name) = (pattern, name)
        var retry: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
        while true {
            if pattern.first == 0x2A {
                pattern = pattern.dropFirst()
                retry = (pattern, name)
            } else if let byte = name.first, pattern.first == byte || pattern.first == 0x3F {
                (pattern, name) = (pattern.dropFirst(), name.dropFirst())
            } else if name.isEmpty, pattern.isEmpty {
                return true
            } else if let again = retry, !again.name.isEmpty {
                retry = (again.pattern, again.name.dropFirst())
                (pattern, name) = (again.pattern, again.name.dropFirst())
            } else {
                return false
            }
        }
    }
}

extension ImagePattern: Codable {
    package init(from decoder: any Decoder) throws {
        try self.init(try decoder.singleValueContainer().decode(String.self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
