// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `springdalelinux-http`: the installer that lies in the tree of a release.
struct SpringdaleSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let release = context.definition.definition.image.release.lowercased()
        let architecture = context.rpmArchitecture
        let tree = "\(release)/\(architecture)/os"
        let path = "\(tree)/images/boot.iso"
        let fetch = try SourceFetch(context)
        let installer = Installer(
            context: context,
            fetch: fetch,
            packages: ["basesystem", "springdale-release", "yum"],
            release: Installer.major(release),
            repositories: ["BaseOS", "AppStream"].map { "\(tree)/\($0)/" }
        )
        return try installer.fill(
            from: path,
            [.signature("\(path).asc"), .signature("\(path).sig")]
                + SourceFetch.listProofs("\(tree)/images", ["CHECKSUM", "SHA256SUMS"])
        )
    }
}
