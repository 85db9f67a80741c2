// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `almalinux-http`: the installer of the newest AlmaLinux of a release, by the signed list beside it.
struct AlmaSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let definition = context.definition.definition
        let release = definition.image.release.lowercased()
        let architecture = context.rpmArchitecture
        let directory = "\(release)/isos/\(architecture)"
        let fetch = try SourceFetch(context)
        let path = try fetch.installer(
            in: directory,
            product: "AlmaLinux",
            version: release,
            architecture: architecture,
            variant: definition.source.variant
        )
        let installer = Installer(
            context: context,
            fetch: fetch,
            packages: ["basesystem", "almalinux-release", "yum"],
            release: Installer.major(release),
            repositories: ["BaseOS", "AppStream"].map { "\(release)/\($0)/\(architecture)/os/" }
        )
        return try installer.fill(from: path, SourceFetch.listProofs(directory, ["CHECKSUM"]))
    }
}
