// SPDX-License-Identifier: Apache-2.0

package import Archive
package import Model

/// The configuration of a new container, put together from what lxc-create wrote and what the image may decide.
///
/// The order is LXC's contract: the image's includes first, so that the user's settings win over them; the user's first
/// network last. Lines of the user's are kept as they are.
package struct ContainerConfiguration: Sendable, Equatable {
    private var comments: [String] = []
    private var settings: [String] = []
    private var network: [String] = []
    /// Whether the file is one of LXC before 2.1, which had other names for some keys and refuses today's.
    private var isLegacy = false

    /// Takes the file apart that lxc-create left.
    ///
    /// - Throws: `POLICY` for a line that is neither a comment nor a setting.
    package init(existing text: String, path: String) throws(RootcellarError) {
        var number = 0
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            number += 1
            let content = trimmed(line)
            if content.isEmpty { continue }
            if content.hasPrefix("#") {
                comments.append(line)
                continue
            }
            guard let equals = content.firstIndex(of: "=") else {
                throw RootcellarError(.policy, "not a setting", subject: "\(path):\(number)")
            }
            let key = trimmed(content[..<equals])
            // The name is set anew below; a second run over the same file must not set it twice.
            if key == "lxc.uts.name" || key == "lxc.utsname" { continue }
            if key == "lxc.rootfs" || key == "lxc.network" || key.hasPrefix("lxc.network.") { isLegacy = true }
            if ["lxc.net.0", "lxc.network"].contains(where: { key == $0 || key.hasPrefix("\($0).") }) {
                network.append(line)
            } else {
                settings.append(line)
            }
        }
    }

    /// The whole file.
    ///
    /// - Parameters:
    ///   - image: what the image decides.
    ///   - directory: LXC's configuration directory.
    ///   - exists: whether a file is there; `<distribution>.common.conf` of older releases stands for `common.conf`.
    ///   - name: the container's name.
    /// - Throws: `META` if a file to include is not installed.
    package func text(
        image: ImageConfiguration,
        directory: String,
        exists: (String) -> Bool,
        name: String
    ) throws(RootcellarError) -> String {
        var lines = comments + ["", "# Distribution configuration"]
        for include in image.includes {
            let candidates = [include] + ["common.conf", "userns.conf"].filter { include.hasSuffix(".\($0)") }
            guard let found = candidates.first(where: { exists("\(directory)/\($0)") }) else {
                throw RootcellarError(
                    .meta,
                    "the image includes a configuration that is not installed",
                    subject: "\(directory)/\(include)",
                    hint: "install LXC's configuration files"
                )
            }
            lines.append("lxc.include = \(directory)/\(found)")
        }
        if let architecture = image.architecture { lines.append("lxc.arch = \(architecture)") }
        lines += ["", "# Container specific configuration"] + settings
        lines.append("\(isLegacy ? "lxc.utsname" : "lxc.uts.name") = \(name)")
        lines += ["", "# Network configuration"] + network
        return lines.joined(separator: "\n") + "\n"
    }
}
