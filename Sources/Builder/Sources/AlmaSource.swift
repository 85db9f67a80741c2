// SPDX-License-Identifier: Apache-2.0

import Model

/// The downloader `almalinux-http`: the installer of the newest AlmaLinux of a release.
struct AlmaSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        try Installer.fill(context, product: "AlmaLinux", releasePackage: "almalinux-release")
    }
}
