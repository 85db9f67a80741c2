// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `rockylinux-http`: the installer of the newest Rocky Linux of a release, by the signed list beside it.
struct RockySource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let definition = context.definition.definition
        let release = definition.image.release.lowercased()
        let architecture = context.rpmArchitecture
        let directory = "\(release)/isos/\(architecture)"
        let fetch = try SourceFetch(context)
        let path = try fetch.installer(
            in: directory,
            product: "Rocky",
            version: release,
            architecture: architecture,
            variant: definition.source.variant
        )
        let installer = Installer(
            context: context,
            fetch: fetch,
            packages: ["basesystem", "rocky-release", "yum"],
            release: Installer.major(release),
            repositories: ["BaseOS", "AppStream"].map { "\(release)/\($0)/\(architecture)/os/" }
        )
        return try installer.fill(from: path, SourceFetch.listProofs(directory, ["CHECKSUM"]))
    }
}
