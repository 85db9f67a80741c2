// SPDX-License-Identifier: Apache-2.0

extension ImageDocument {
    /// The name of the file that makes the uncompressed tar of this build of that of an older one.
    package static func patchName(from base: Serial) -> String { "from-\(base).patch.zst" }

    /// The name of the file that makes `rootfs.squashfs` of this build of that of an older one, for LXD and Incus.
    package static func squashfsDeltaName(from base: Serial) -> String { "from-\(base).squashfs.vcdiff" }

    /// Whether a file of a build is a patch from another build. Such files say nothing about the content of a build.
    package static func isPatch(_ name: String) -> Bool {
        name.hasPrefix("from-") && (name.hasSuffix(".patch.zst") || name.hasSuffix(".vcdiff"))
    }
}
