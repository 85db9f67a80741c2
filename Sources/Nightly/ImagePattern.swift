// SPDX-License-Identifier: Apache-2.0

package import Model

/// Names of images with `*` for any text within a part and `?` for any character, as in `debian/*/amd64`; parts at the
/// end may be left out.
package struct ImagePattern: Hashable, Sendable {
    private let parts: [[UInt8]]

    /// - Throws: `USAGE` for what can match no image.
    package init(_ text: String) throws(RootcellarError) {
        parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map { Array($0) }
        guard (1...4).contains(parts.count), !parts.contains([]) else {
            throw RootcellarError(
                .usage,
                "not a pattern of image names",
                subject: "'\(text)'",
                hint: "write it as in debian/*/amd64"
            )
        }
    }

    /// Whether an image has such a name.
    package func matches(_ name: ImageName) -> Bool {
        let names = [name.distribution, name.release, name.architecture, name.variant]
        return zip(parts, names).allSatisfy { Self.matches($0, Array($1.utf8)) }
    }

    /// Linear but for the last star, where it goes on from (Krauss, "Matching Wildcards").
    private static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        var (at, place) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while place < text.count {
            if at < pattern.count, pattern[at] == UInt8(ascii: "*") {
                star = (at, place)
                at += 1
            } else if at < pattern.count, pattern[at] == UInt8(ascii: "?") || pattern[at] == text[place] {
                at += 1
                place += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                at = last.pattern + 1
                place = last.text + 1
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
