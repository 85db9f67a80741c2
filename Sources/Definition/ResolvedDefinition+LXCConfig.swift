// SPDX-License-Identifier: Apache-2.0

package import Model

extension ResolvedDefinition {
    /// The LXC configuration files by name: `config` and `config-user`, and for old clients `config.1` to `config.4`
    /// and `config-user.1` to `config-user.4`. Every text ends with a newline; files without content are left out.
    ///
    /// A piece goes to the compatibility levels between `after` and `before`; where `after` is not below `before`, to
    /// all levels except those from `before` to `after`. Level 5 is the newest and has no suffix.
    ///
    /// - Throws: `DEFINITION` for a template that cannot be rendered.
    package func lxcConfig(_ mode: BuildMode) throws(RootcellarError) -> [String: String] {
        let newest: UInt64 = 5
        let context = templateContext(for: mode.target)
        var files: [String: String] = [:]
        for item in applicable(definition.targets.lxc.config, in: .lxcConfig, mode: mode) {
            let names: [String]
            switch item.type {
            case "all": names = ["config", "config-user"]
            case "system": names = ["config"]
            case "user": names = ["config-user"]
            default: continue
            }
            var text = try Template.render(item.content, context).text
            guard !text.isEmpty else { continue }
            if text.utf8.last != UInt8(ascii: "\n") { text += "\n" }
            for level in 1...newest where item.covers(level: level, newest: newest) {
                for name in names { files[level == newest ? name : "\(name).\(level)", default: ""] += text }
            }
        }
        return files
    }
}

extension LXCConfigItem {
    /// Whether the piece belongs to a compatibility level.
    func covers(level: UInt64, newest: UInt64) -> Bool {
        let before = before == 0 ? newest + 1 : before
        if after < before { return after < level && level < before }
        return !(before <= level && level <= after)
    }
}
