// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `nixos-http`: the container image that NixOS's build farm, Hydra, made last. Nobody signs it.
struct NixOSSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let release = context.definition.definition.image.release
        let jobs = release == "unstable" ? "trunk-combined" : "release-\(release)"
        // 24.05 had it under another name, and as an archive.
        let isOld = release == "24.05"
        let attribute = isOld ? "lxdContainerImage" : "incusContainerImage"
        let path =
            "job/nixos/\(jobs)/nixos.\(attribute).\(context.rpmArchitecture)-linux"
            + "/latest/download-by-type/file/\(isOld ? "system-tarball" : "squashfs-image")"
        return try SourceFetch(context).image(path, [.signature("\(path).asc")])
    }
}
