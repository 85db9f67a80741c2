// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import SystemPackage

/// The downloader `gentoo-http`: the newest stage 3, and the tree of ebuilds.
struct GentooSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let architecture = context.definition.mappedArchitecture
        let variant = context.definition.definition.source.variant
        let flavour = variant.isEmpty ? architecture : "\(architecture)-\(variant)"
        let directory = "releases/\(Self.family(architecture))/autobuilds/current-stage3-\(flavour)"
        let fetch = try SourceFetch(context)
        let start = "stage3-\(flavour)-"
        let name = try fetch.newest(in: directory, from: start, to: ".tar.xz") { name in
            // Behind the flavour stands a date, and not a longer flavour.
            name.dropFirst(start.count).first?.isNumber == true
        }
        let path = "\(directory)/\(name)"
        var state = try fetch.image(
            path,
            [
                .signedList("\(path).DIGESTS.asc", .sha512), .signedList("\(path).DIGESTS", .sha512),
                .list("\(path).DIGESTS", .sha512, signature: "\(path).DIGESTS.asc"), .signature("\(path).asc"),
                .plainList("\(path).DIGESTS", .sha512),
            ]
        )
        let tree = "snapshots/portage-latest.tar.xz"
        let file = try fetch.verified(tree, [.signature("\(tree).gpgsig")])
        let place = context.directory.scratch.appending("portage")
        let newest = try SourceUnpacking(file: file, log: context.log).run(into: place)
        try makeHostDirectories(context.directory.rootfs.appending("var/db/repos"))
        let target = context.directory.rootfs.appending("var/db/repos/gentoo")
        try building("replace", target.string) { () throws(Errno) in try removeHostDirectory(target) }
        try renameHost(place.appending("portage"), to: target)
        state = fetch.state(max(state.epoch, newest))
        return state
    }

    /// How Gentoo's directories call the families of processors.
    private static func family(_ architecture: String) -> String {
        switch architecture {
        case "i686": "x86"
        case _ where architecture.hasPrefix("ppc"): "ppc"
        case _ where architecture.hasPrefix("s390"): "s390"
        case _ where architecture.hasPrefix("riscv"): "riscv"
        case "aarch64": "arm64"
        case _ where architecture.hasPrefix("arm") && architecture != "arm64": "arm"
        default: architecture
        }
    }
}
