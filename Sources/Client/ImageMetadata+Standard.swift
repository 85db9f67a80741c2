// SPDX-License-Identifier: Apache-2.0

import Archive
import Model

extension ImageMetadata {
    /// What holds for an image that comes without metadata for LXC: LXC's own snippets and the architecture.
    init(standardFor architecture: String, userMode: Bool) throws(RootcellarError) {
        var lines = ["lxc.include = LXC_TEMPLATE_CONFIG/common.conf"]
        if userMode { lines.append("lxc.include = LXC_TEMPLATE_CONFIG/userns.conf") }
        lines.append("lxc.arch = \(architecture)")
        self.init(configuration: try ImageConfiguration(Array(lines.joined(separator: "\n").utf8)))
    }
}
