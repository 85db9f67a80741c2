// SPDX-License-Identifier: Apache-2.0

import Model

/// What pacman needs before its first run: a mirror. Distributions ship their list with every line commented out.
struct PacmanSetup {
    let rootfs: RootfsDirectory
    /// The configured archive of the distribution.
    let mirror: String?
    let log: BuildLog

    private static let list = "/etc/pacman.d/mirrorlist"

    /// Makes sure that the list names a mirror: the configured one; else what it names already; else the first that it
    /// offers.
    ///
    /// - Throws: `SOURCE` if there is none at all.
    func writeMirrors() throws(RootcellarError) {
        // A pacman.conf that names servers itself needs no list.
        let configuration = String(decoding: try rootfs.read("/etc/pacman.conf") ?? [], as: UTF8.self)
        let text = String(decoding: try rootfs.read(Self.list) ?? [], as: UTF8.self)
        if mirror == nil, !configuration.contains(Self.list), configuration.contains("Server") { return }
        guard let chosen = Self.chosen(text, mirror: mirror) else {
            throw RootcellarError(
                .source,
                "pacman has no mirror",
                subject: Self.list,
                hint: "name one in the configuration, as mirror.archlinux"
            )
        }
        guard chosen != text else { return }
        log.note("a mirror was put into \(Self.list)")
        try rootfs.write(Self.list, Array(chosen.utf8))
    }

    /// The list with a mirror in force; nil if none is known.
    static func chosen(_ text: String, mirror: String?) -> String? {
        if let mirror, !mirror.isEmpty {
            let base = mirror.hasSuffix("/") ? String(mirror.dropLast()) : mirror
            return "Server = \(base)\(base.contains("$") ? "" : "/$repo/os/$arch")\n"
        }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        func server(_ line: String) -> Bool { line.replacing(" ", with: "").hasPrefix("Server=") }
        if lines.contains(where: server) { return text }
        guard let first = lines.firstIndex(where: { $0.hasPrefix("#") && server(String($0.drop { $0 == "#" })) }) else {
            return nil
        }
        lines[first] = String(lines[first].drop { $0 == "#" })
        return lines.joined(separator: "\n")
    }
}
