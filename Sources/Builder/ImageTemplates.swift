// SPDX-License-Identifier: Apache-2.0

/// What generators leave to be filled in when a container is created.
package struct ImageTemplates: Hashable, Sendable {
    /// One template of an Incus image.
    package struct Incus: Hashable, Sendable {
        /// The name of the file in the image's `templates` directory.
        package var file: String
        /// When it is written: create, copy, start, rename.
        package var when: [String]
        /// What the template can look up.
        package var properties: [String: String]
    }

    /// Files of the root in which LXC replaces its placeholders.
    package var lxc: [String] = []
    /// Incus templates by the path that they write; the later of two for one path counts.
    package var incus: [String: Incus] = [:]
    /// Their texts by file name.
    package var incusFiles: [String: String] = [:]

    /// No templates.
    package init() {}

    /// Registers an Incus template and its text.
    mutating func addIncus(
        _ path: String,
        file: String,
        text: String,
        when: [String] = ["create", "copy"],
        properties: [String: String] = [:]
    ) {
        incus[path] = Incus(file: file, when: when, properties: properties)
        incusFiles[file] = text
    }

    /// Lets LXC replace placeholders in a file.
    mutating func addLXC(_ path: String) { if !lxc.contains(path) { lxc.append(path) } }
}
