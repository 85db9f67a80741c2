// SPDX-License-Identifier: Apache-2.0

package import Model

/// The members of LXC's `meta.tar.xz`, as `lxc-download` reads them.
package struct LXCMetadata: Sendable {
    /// What is printed when a container was created.
    package var createMessage: String
    /// When cached copies are thrown away.
    package var expiry: Timestamp
    /// Configuration files by name: `config`, `config-user`, and `.1` to `.4` of both for old clients.
    package var config: [String: String]
    /// Files of the root in which placeholders are replaced.
    package var templates: [String]

    /// Metadata of an image.
    package init(createMessage: String, expiry: Timestamp, config: [String: String], templates: [String]) {
        self.createMessage = createMessage
        self.expiry = expiry
        self.config = config
        self.templates = templates
    }

    /// Every member in its order.
    package var members: [(name: String, text: String)] {
        func line(_ text: String) -> String { text.utf8.last == 0x0A ? text : text + "\n" }
        var members = [
            ("create-message", line(createMessage)),
            ("expiry", "\(expiry.seconds)\n"),
            // Device nodes that an unprivileged user could not unpack; there are none in the root.
            ("excludes-user", "\n"),
        ]
        let sorted = config.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
        members += sorted.map { ($0.key, line($0.value)) }
        if !templates.isEmpty { members.append(("templates", templates.map { $0 + "\n" }.joined())) }
        return members
    }
}
