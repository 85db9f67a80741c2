// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// The downloader `vyos-http`: the root of a live image. `source.url` is the whole address of one, or a directory, of
/// which the newest is taken.
struct VyOSSource: RootSource {
    let context: BuildContext

    private static let root = "live/filesystem.squashfs"

    func fill() throws(RootcellarError) -> OriginState {
        let url = context.definition.definition.source.url.text
        let fetch: SourceFetch
        let name: String
        if url.hasSuffix(".iso"), let slash = url.lastIndex(of: "/") {
            fetch = try SourceFetch(context, url: String(url[..<slash]))
            name = String(url[url.index(after: slash)...])
        } else {
            fetch = try SourceFetch(context)
            name = try fetch.newest(in: "", from: "vyos-", to: ".iso")
        }
        let file = try fetch.verified(
            name,
            [.signature("\(name).asc"), .signature("\(name).sig")]
                + [.list("SHA256SUMS", .sha256, signature: "SHA256SUMS.asc"), .plainList("\(name).sha256", .sha256)]
        )
        let image = try ISOImage(file.descriptor, size: file.size, name: file.name)
        guard let entry = try image.entry(Self.root), let place = try image.place(of: entry) else {
            throw RootcellarError(.source, "there is no \(Self.root) in one piece", subject: file.name)
        }
        let rootfs = context.directory.rootfs
        let newest = try context.log.step("unpack \(Self.root)") { () throws(RootcellarError) in
            try Squashfs(path: file.path, offset: place.offset, name: file.name, log: context.log).unpack(into: rootfs)
        }
        try RootfsDirectory(rootfs).empty("/dev")
        try building("forget", file.path.string) { () throws(Errno) in try truncateAndRewind(file.descriptor) }
        return fetch.state(newest)
    }
}
