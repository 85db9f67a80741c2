// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `centos-http`: the installer of CentOS or CentOS Stream, by the signed list beside it.
struct CentOSSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let definition = context.definition.definition
        let release = definition.image.release
        let architecture = context.rpmArchitecture
        guard architecture != "armhfp" else {
            throw RootcellarError(
                .definition,
                "images of disks are not read; there is an installer for other architectures only",
                subject: "\(definition.image.position)"
            )
        }
        let isStream = release.hasSuffix("-Stream")
        let version = isStream ? String(release.dropLast(7)) : release
        let top = isStream ? "\(version)-stream" : release
        // Streams from 9 on have their images beside the packages.
        let directory =
            isStream && (Int(version) ?? 0) >= 9
            ? "\(top)/BaseOS/\(architecture)/iso" : "\(release)/isos/\(architecture)"
        let fetch = try SourceFetch(context)
        let path = try fetch.installer(
            in: directory,
            product: isStream ? "CentOS-Stream" : "CentOS",
            version: version,
            architecture: architecture,
            variant: definition.source.variant
        )
        let installer = Installer(
            context: context,
            fetch: fetch,
            packages: ["basesystem", isStream ? "centos-stream-release" : "centos-release", "yum"],
            release: isStream ? "\(version)-stream" : Installer.major(version),
            repositories: ["BaseOS", "AppStream"].map { "\(top)/\($0)/\(architecture)/os/" }
        )
        let name = path.dropFirst(directory.utf8.count + 1)
        return try installer.fill(
            from: path,
            SourceFetch.listProofs(directory, ["CHECKSUM", "SHA256SUM", "\(name).SHA256SUM", "sha256sum.txt"])
        )
    }
}
