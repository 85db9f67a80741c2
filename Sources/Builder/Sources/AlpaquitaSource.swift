// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `alpaquita-http`: a minimal root by release and C library, with its SHA-512 beside it.
struct AlpaquitaSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let definition = context.definition.definition
        let library = definition.source.variant
        guard library == "musl" || library == "glibc" else {
            throw RootcellarError(
                .definition,
                "source.variant has to name the C library",
                subject: "\(definition.source.position)",
                hint: "musl or glibc"
            )
        }
        let release = definition.image.release
        let architecture = context.definition.mappedArchitecture
        let path =
            "alpaquita/\(library)/\(release)/releases/\(architecture)"
            + "/alpaquita-minirootfs-\(release)-latest-\(library)-\(architecture).tar.gz"
        return try SourceFetch(context).image(
            path,
            [.signature("\(path).asc"), .plainList("\(path).sha512", .sha512)]
        )
    }
}
