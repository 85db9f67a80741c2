// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `openeuler-http`: the installer of the newest service pack of a release, with all packages on it.
struct OpenEulerSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let image = context.definition.definition.image
        let architecture = context.rpmArchitecture
        let fetch = try SourceFetch(context)
        // openEuler-24.03-LTS, openEuler-24.03-LTS-SP1; the service pack counts more than the length of the name.
        let start = "openEuler-\(image.release)"
        let names = try fetch.listing("").names(from: start, to: "").filter { name in
            let rest = name.dropFirst(start.utf8.count)
            return rest.isEmpty || rest == "-LTS" || rest.hasPrefix("-SP") || rest.hasPrefix("-LTS-SP")
        }
        guard let full = names.max(by: VersionOrder.isOlder) else {
            throw RootcellarError(.source, "nothing there is called '\(start)…'", subject: fetch.url(""))
        }
        let path = "\(full)/ISO/\(architecture)/\(full)-\(architecture)-dvd.iso"
        let installer = Installer(
            context: context,
            fetch: fetch,
            packages: ["basesystem", "openEuler-release", "yum"],
            release: image.release,
            repositories: ["\(full)/OS/\(architecture)/"]
        )
        let sums = "\(path).sha256sum"
        return try installer.fill(
            from: path,
            [
                .signature("\(path).asc"), .signedList("\(sums).asc", .sha256),
                .list(sums, .sha256, signature: "\(sums).asc"), .plainList(sums, .sha256),
            ]
        )
    }
}
