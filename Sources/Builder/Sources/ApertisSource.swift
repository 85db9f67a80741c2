// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `apertis-http`: the archive of the newest point release. Apertis signs none of them;
/// a mirror of one's own may.
struct ApertisSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let image = context.definition.definition.image
        let architecture = context.definition.mappedArchitecture
        let fetch = try SourceFetch(context)
        let exact = try fetch.newest(in: image.release, from: image.release, to: "")
        let path =
            "\(image.release)/\(exact)/\(architecture)/\(image.variant)"
            + "/ospack_\(image.release)-\(architecture)-\(image.variant)_\(exact).tar.gz"
        return try fetch.image(path, [.signature("\(path).asc"), .plainList("\(path).sha256", .sha256)])
    }
}
