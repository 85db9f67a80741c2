// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `opensuse-http`: the newest container image of Tumbleweed or of a Leap.
struct OpenSUSESource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let release = context.definition.definition.image.release.lowercased()
        let architecture = context.definition.mappedArchitecture
        let isTumbleweed = release == "tumbleweed"
        let containers = "repositories/Virtualization:/containers:/images:/openSUSE-Tumbleweed"
        let directory =
            isTumbleweed
            ? "\(containers)/\(Self.tumbleweedDirectory(architecture))" : "distribution/leap/\(release)/appliances"
        let fetch = try SourceFetch(context)
        let start = isTumbleweed ? "opensuse-tumbleweed-image" : "opensuse-leap-image"
        let name = try fetch.newest(in: directory, from: start, to: ".tar.xz") { name in
            name.contains(".\(architecture)") && !name.contains("-docker") && !name.contains(".docker")
        }
        let path = "\(directory)/\(name)"
        return try fetch.image(
            path,
            [
                .signedList("\(path).sha256", .sha256),
                .list("\(path).sha256", .sha256, signature: "\(path).sha256.asc"), .signature("\(path).asc"),
                .plainList("\(path).sha256", .sha256),
            ]
        )
    }

    private static func tumbleweedDirectory(_ architecture: String) -> String {
        switch architecture {
        case "aarch64", "armv6l", "armv7l": "container_ARM"
        case "ppc64le": "container_PowerPC"
        case "s390x": "container_zSystems"
        default: "container"
        }
    }
}
