// SPDX-License-Identifier: Apache-2.0

package import Model

/// The part of every URL's path that stands before the tree: `/images`, or nothing. A proxy that shows several services
/// under one name passes it on as it is.
package struct BasePath: Sendable, Hashable, CustomStringConvertible {
    /// With a slash at its beginning and none at its end; empty for none.
    package let text: String

    /// No base path.
    package init() { text = "" }

    /// Reads `/images` or `/a/b`; a slash alone is none.
    ///
    /// - Throws: `USAGE` for anything that a client could write in another way, so that it has one spelling.
    package init(_ text: String) throws(RootcellarError) {
        guard text != "/" else {
            self.text = ""
            return
        }
        guard let path = RequestPath(target: text), !path.components.isEmpty, path.asDirectoryURL == text + "/" else {
            throw RootcellarError(
                .usage,
                "not a base path",
                subject: "'\(text)'",
                hint: "write it as it begins in URLs, with a slash before it and none behind: /images"
            )
        }
        self.text = text
    }

    package var description: String { text }

    /// The target of a request without the base path; nil if it is not below it. The base path itself, without a slash
    /// behind it, becomes nothing.
    func strip(_ target: String) -> String? {
        guard target.hasPrefix(text) else { return nil }
        let rest = target.dropFirst(text.count)
        guard text.isEmpty || rest.isEmpty || rest.utf8.first == 0x2F || rest.utf8.first == 0x3F else { return nil }
        return String(rest)
    }
}
