// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `ubuntu-http`: Ubuntu Base.
struct UbuntuSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let image = context.definition.definition.image
        guard image.variant != "core" else {
            throw RootcellarError(
                .definition,
                "Ubuntu Core is an image of disks and no root",
                subject: "\(image.position)",
                hint: "take the variant default"
            )
        }
        let directory = "releases/\(image.release)/release"
        let fetch = try SourceFetch(context)
        let name = try fetch.newest(
            in: directory,
            from: "ubuntu-base-",
            to: "-base-\(context.definition.mappedArchitecture).tar.gz"
        )
        let list = "\(directory)/SHA256SUMS"
        return try fetch.image(
            "\(directory)/\(name)",
            [.list(list, .sha256, signature: "\(list).gpg"), .plainList(list, .sha256)]
        )
    }
}
