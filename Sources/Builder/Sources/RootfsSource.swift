// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// The downloader `rootfs-http`: one archive by its whole address, or a file of this machine.
struct RootfsSource: RootSource {
    let context: BuildContext

    func state() throws(RootcellarError) -> [String: String]? {
        let url = context.definition.definition.source.url.text
        guard url.hasPrefix("file://") else { return nil }
        return ["file": try FetchedFile(FilePath(String(url.dropFirst(7)))).sha256]
    }

    func fill() throws(RootcellarError) -> OriginState {
        let url = context.definition.definition.source.url
        if url.text.hasPrefix("file://") { return try fill(from: FilePath(String(url.text.dropFirst(7)))) }
        guard let slash = url.text.lastIndex(of: "/"), url.text.contains("://") else {
            throw RootcellarError(.source, "not the address of an archive: '\(url)'", subject: "\(url.position)")
        }
        let name = String(url.text[url.text.index(after: slash)...])
        let fetch = try SourceFetch(context, url: String(url.text[..<slash]))
        let proofs: [SourceProof] = [
            .signature("\(name).asc"), .signature("\(name).sig"), .signature("\(name).gpg"),
            .list("SHA256SUMS", .sha256, signature: "SHA256SUMS.asc"),
            .list("SHA256SUMS", .sha256, signature: "SHA256SUMS.gpg"),
            .plainList("\(name).sha256", .sha256),
        ]
        try fetch.expectProof(proofs)
        let file = try fetch.file(name)
        try fetch.verify(file, proofs)
        return fetch.state(try SourceUnpacking(file: file, log: context.log).run(into: context.directory.rootfs))
    }

    /// A file that is on this machine already is the user's own: it is taken as it is, or as it is pinned.
    private func fill(from path: FilePath) throws(RootcellarError) -> OriginState {
        let source = context.definition.definition.source
        let keys = try SourceKeys(source.keys)
        let file = try FetchedFile(path)
        if !keys.pins.isEmpty, !keys.pins.contains(file.sha256) {
            throw RootcellarError(.source, "its SHA-256 \(file.sha256) is not the pinned one", subject: path.string)
        }
        let newest = try SourceUnpacking(file: file, log: context.log).run(into: context.directory.rootfs)
        return OriginState(
            epoch: context.options.epoch ?? newest,
            inputs: ["source.\(file.name).sha256": file.sha256]
        )
    }
}

extension FetchedFile {
    /// A file of this machine.
    ///
    /// - Throws: `SOURCE` if it cannot be read.
    init(_ path: FilePath) throws(RootcellarError) {
        var sha256 = SHA256Hasher()
        var sha512 = SHA512Hasher()
        var size = 0
        let descriptor: FileDescriptor
        do throws(Errno) {
            descriptor = try openPath(path, .readOnly)
            var buffer = [UInt8](repeating: 0, count: 1 << 20)
            while true {
                let count = try readBlock(descriptor, &buffer)
                if count == 0 { break }
                let bytes = buffer.span.extracting(first: count)
                unsafe sha256.update(bytes.bytes)
                unsafe sha512.update(bytes.bytes)
                size += count
            }
        } catch {
            throw systemError(.source, "cannot read the file", error, subject: path.string)
        }
        self.init(
            name: path.lastComponent?.string ?? path.string,
            path: path,
            descriptor: descriptor,
            size: size,
            sha256: sha256.finish().description,
            sha512: sha512.finish()
        )
    }
}
