// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import SystemPackage

/// The downloader `openwrt-http`: a root archive where there is one, else the root of a disk image.
struct OpenWrtSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let fetch = try SourceFetch(context)
        let release = context.definition.definition.image.release
        let words = context.definition.mappedArchitecture.split(separator: "-", maxSplits: 1).map(String.init)
        guard words.count == 2 else {
            throw RootcellarError(
                .definition,
                "OpenWrt calls its targets otherwise: '\(context.definition.mappedArchitecture)'",
                subject: "\(context.definition.definition.image.position)",
                hint: "set mappings.architecture_map to openwrt"
            )
        }
        let target = "targets/\(words[0])/\(words[1])"
        let directory: String
        let start: String
        if release == "snapshot" {
            directory = "snapshots/\(target)"
            start = "openwrt-\(words[0])-\(words[1])-"
        } else {
            let full = try service(release, fetch)
            directory = "releases/\(full)/\(target)"
            start = "openwrt-\(full)-\(words[0])-\(words[1])-"
        }
        let list = "\(directory)/sha256sums"
        let proofs: [SourceProof] = [
            .list(list, .sha256, signature: "\(list).asc"), .list(list, .sha256, signature: "\(list).sig"),
            .plainList(list, .sha256),
        ]
        let page = try fetch.listing(directory)
        let candidates = ["rootfs.tar.gz", "generic-rootfs.tar.gz", "generic-ext4-combined-efi.img.gz"]
        guard let name = candidates.map({ start + $0 }).first(where: { page.names.contains($0) }) else {
            throw RootcellarError(.source, "there is no \(start)rootfs.tar.gz", subject: fetch.url(directory))
        }
        guard name.hasSuffix(".img.gz") else { return try fetch.image("\(directory)/\(name)", proofs) }
        try fetch.expectProof(proofs)
        let file = try fetch.verified("\(directory)/\(name)", proofs)
        return fetch.state(try DiskImage(context: context, file: file).extractRoot(into: context.directory.rootfs))
    }

    /// The newest service release of `NN.NN`.
    private func service(_ release: String, _ fetch: SourceFetch) throws(RootcellarError) -> String {
        guard release.split(separator: ".").count == 2 else { return release }
        return try fetch.newest(in: "releases", from: "\(release).", to: "") { !$0.contains("-") }
    }
}
