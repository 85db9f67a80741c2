// SPDX-License-Identifier: Apache-2.0

import Model

/// The downloader `rockylinux-http`: the installer of the newest Rocky Linux of a release.
struct RockySource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        try Installer.fill(context, product: "Rocky", releasePackage: "rocky-release")
    }
}
