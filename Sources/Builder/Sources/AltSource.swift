// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `alt-http`: ALT Linux's root for clouds.
struct AltSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let release = context.definition.definition.image.release
        let mapped = context.definition.mappedArchitecture
        let architecture = mapped == "armhf" ? "armh" : mapped
        let directory = "\(release)/cloud/\(architecture)"
        let list = "\(directory)/SHA256SUMS"
        return try SourceFetch(context).image(
            "\(directory)/alt-\(release.lowercased())-rootfs-systemd-\(architecture).tar.xz",
            [.list(list, .sha256, signature: "\(list).gpg"), .plainList(list, .sha256)]
        )
    }
}
