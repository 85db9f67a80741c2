// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `voidlinux-http`: the newest root of an architecture and C library. Void signs its list by signify(1), and
/// signed it by OpenPGP before.
struct VoidSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let variant = context.definition.definition.source.variant
        let architecture = context.definition.mappedArchitecture
        let flavour = variant.isEmpty ? architecture : "\(architecture)-\(variant)"
        let fetch = try SourceFetch(context)
        let name = try fetch.newest(in: "", from: "void-\(flavour)-ROOTFS-", to: ".tar.xz")
        return try fetch.image(
            name,
            [
                .list("sha256sum.txt", .sha256, signature: "sha256sum.sig"),
                .list("sha256sum.txt", .sha256, signature: "sha256sum.txt.sig"),
                .list("sha256sums.txt", .sha256, signature: "sha256sums.txt.asc"),
                .list("sha256sum.txt", .sha256, signature: "sha256sum.txt.asc"),
                .plainList("sha256sum.txt", .sha256),
            ]
        )
    }
}
