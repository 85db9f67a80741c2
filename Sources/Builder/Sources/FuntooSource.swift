// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `funtoo-http`: the newest stage 3 of a processor.
struct FuntooSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let release = context.definition.definition.image.release
        let architecture = context.definition.mappedArchitecture
        let families = [
            "generic_32": "x86-32bit", "generic_64": "x86-64bit", "armv7a_vfpv3_hardfp": "arm-32bit",
            "arm64_generic": "arm-64bit",
        ]
        guard let family = families[architecture] else {
            throw RootcellarError(
                .definition,
                "Funtoo calls its processors otherwise: '\(architecture)'",
                subject: "\(context.definition.definition.image.position)",
                hint: "set mappings.architecture_map to funtoo"
            )
        }
        let path = "\(release)/\(family)/\(architecture)/stage3-latest.tar.xz"
        return try SourceFetch(context).image(path, [.signature("\(path).gpg")])
    }
}
