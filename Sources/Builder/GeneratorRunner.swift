// SPDX-License-Identifier: Apache-2.0

package import Definition
package import Model

/// Runs a definition's generators: they write into the root from outside, confined to it.
package struct GeneratorRunner {
    let rootfs: RootfsDirectory
    let formats: OutputFormats
    /// What has to be filled in when a container is created.
    package var templates = ImageTemplates()

    /// A runner for a root that is packed into `formats`.
    package init(_ rootfs: RootfsDirectory, formats: OutputFormats) {
        self.rootfs = rootfs
        self.formats = formats
    }

    /// Runs one generator.
    ///
    /// - Throws: `DEFINITION` naming the item's place if its fields make no sense, `BUILD` if a file cannot be written.
    package mutating func run(_ item: FileItem) throws(RootcellarError) {
        switch item.generator {
        case .dump: try dump(item)
        case .copy: try copy(item)
        case .remove: try remove(item)
        case .hostname: try hostname(item)
        case .hosts: try hosts(item)
        case .template: try template(item)
        case .cloudInit: try cloudInit(item)
        case .fstab, .incusAgent:
            throw fault(item, "generator '\(item.generator.rawValue)' is for virtual machines")
        }
    }

    private mutating func dump(_ item: FileItem) throws(RootcellarError) {
        let path = try path(of: item)
        let attributes = try attributes(of: item)
        try rootfs.write(
            path,
            Array(withNewline(item.content.text).utf8),
            mode: attributes.mode,
            uid: attributes.uid,
            gid: attributes.gid
        )
        if item.templated, formats.contains(.lxc) { templates.addLXC(path) }
    }

    private func remove(_ item: FileItem) throws(RootcellarError) {
        let path = try path(of: item)
        guard let last = RootfsDirectory.words(path).last, last != [0x2E, 0x2E] else {
            throw fault(item, "refusing to remove the whole root")
        }
        try rootfs.remove(path)
    }

    private mutating func hostname(_ item: FileItem) throws(RootcellarError) {
        let path = try path(of: item)
        guard rootfs.exists(path) else { return }
        if formats.contains(.incus) {
            templates.addIncus(path, file: "hostname.tpl", text: "{{ container.name }}\n")
        }
        if formats.contains(.lxc) {
            try rootfs.write(path, Array("LXC_NAME\n".utf8))
            templates.addLXC(path)
        }
    }

    private mutating func hosts(_ item: FileItem) throws(RootcellarError) {
        let path = try path(of: item)
        guard let bytes = try rootfs.read(path) else { return }
        let text = String(decoding: bytes, as: UTF8.self)
        func naming(_ name: String) -> String {
            let replaced = text.replacing(Sandbox.hostname, with: name)
            return replaced == text ? "127.0.1.1\t\(name)\n\(text)" : replaced
        }
        if formats.contains(.incus) {
            templates.addIncus(path, file: "hosts.tpl", text: naming("{{ container.name }}"))
        }
        if formats.contains(.lxc) {
            try rootfs.write(path, Array(naming("LXC_NAME").utf8))
            templates.addLXC(path)
        }
    }

    private mutating func template(_ item: FileItem) throws(RootcellarError) {
        let path = try path(of: item)
        guard formats.contains(.incus) else { return }
        guard !item.name.isEmpty, !item.name.utf8.contains(0x2F) else {
            throw fault(item, "not the name of a template: '\(item.name)'")
        }
        templates.addIncus(
            path,
            file: "\(item.name).tpl",
            text: withNewline(item.content.text),
            when: item.effectiveWhen,
            properties: item.properties
        )
    }

    private mutating func cloudInit(_ item: FileItem) throws(RootcellarError) {
        if formats.contains(.incus) {
            guard let template = CloudInitTemplate(item) else {
                throw fault(item, "unknown cloud-init file '\(item.name)'")
            }
            let path =
                item.path.isEmpty ? "/var/lib/cloud/seed/nocloud-net/\(item.name)" : item.path.text
            templates.addIncus(
                path,
                file: "cloud-init-\(item.name).tpl",
                text: template.text,
                when: item.effectiveWhen,
                properties: template.properties
            )
        } else if formats.contains(.lxc) {
            // LXC gives cloud-init nothing to work with. In a root that Incus uses as well it stays enabled and turns
            // itself off where it finds no seed.
            try rootfs.write("/etc/cloud/cloud-init.disabled", [])
            for level in rootfs.names("/etc/runlevels").map({ String(decoding: $0, as: UTF8.self) }) {
                for service in ["cloud-init-local", "cloud-config", "cloud-init", "cloud-final"] {
                    try rootfs.remove("/etc/runlevels/\(level)/\(service)")
                }
            }
        }
    }

    // MARK: What several generators share

    func fault(_ item: FileItem, _ reason: String) -> RootcellarError {
        RootcellarError(.definition, reason, subject: "\(item.position)")
    }

    func path(of item: FileItem) throws(RootcellarError) -> String {
        guard !item.path.isEmpty else {
            throw fault(item, "generator '\(item.generator.rawValue)' needs a path")
        }
        return item.path.text
    }

    /// Every file that a definition writes ends with a line feed.
    private func withNewline(_ text: String) -> String { text.utf8.last == 0x0A ? text : text + "\n" }

    /// Permission bits and owner as the item gives them.
    func attributes(of item: FileItem) throws(RootcellarError) -> (mode: UInt32?, uid: UInt32?, gid: UInt32?) {
        var mode: UInt32?
        if !item.mode.isEmpty {
            let digits = item.mode.hasPrefix("0o") ? String(item.mode.dropFirst(2)) : item.mode
            guard let value = UInt32(digits, radix: 8), value <= 0o7777 else {
                throw fault(item, "not permission bits in octal: '\(item.mode)'")
            }
            mode = value
        }
        return (
            mode, try id(item.uid, in: "/etc/passwd", item), try id(item.gid, in: "/etc/group", item)
        )
    }

    /// An id given as a number, or as a name of the image's own.
    private func id(_ text: String, in file: String, _ item: FileItem) throws(RootcellarError) -> UInt32? {
        if text.isEmpty { return nil }
        if let number = UInt32(text) { return number }
        let lines = String(decoding: try rootfs.read(file) ?? [], as: UTF8.self).split(separator: "\n")
        for line in lines {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            if fields.count > 2, fields[0] == text, let number = UInt32(fields[2]) { return number }
        }
        throw fault(item, "'\(text)' is neither a number nor a name in the image's \(file)")
    }
}
