// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
package import Model
import SystemPackage
import Transfer

/// A big file of an image, block by block: each block is checked against its signed hash before anybody else sees it,
/// written to the cache once, and handed on. A file that is in the cache, whole or in part, is checked the same way and
/// only its missing or damaged rest is fetched.
package struct VerifiedStream {
    /// Where the bytes came from, for the report.
    package struct Source: Sendable, Equatable {
        package var fromCache = 0
        package var fetched = 0
    }

    private let server: TrustedServer
    private let layout: CacheLayout
    private let path: String
    private let file: ImageDocument.File
    private let blocks: [SHA256Digest]

    /// A stream of the file at `path` in the tree.
    ///
    /// - Throws: `BINDING` if the file has no block hashes.
    package init(
        _ server: TrustedServer,
        layout: CacheLayout,
        path: String,
        file: ImageDocument.File
    ) throws(RootcellarError) {
        guard let blocks = file.blocks else {
            throw RootcellarError(.binding, "the image document has no block hashes for this file", subject: path)
        }
        self.server = server
        self.layout = layout
        self.path = path
        self.file = file
        self.blocks = blocks
    }

    /// Gives the whole file to `sink`, in order.
    ///
    /// - Parameter onWait: called if another process is fetching the same file; when it is done, its copy is used.
    package func run(
        onWait: () -> Void,
        sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) -> Source {
        let lock = try FileLock(layout.lock("object-\(file.sha256)"), onWait: onWait)
        let whole = layout.object(file.sha256)
        var source = Source()
        if let opened = try open(whole, .readOnly) {
            defer { try? opened.close() }
            // Nobody changes an object in place, so others may use it at the same time.
            source.fromCache = try withExtendedLifetime(lock) { () throws(RootcellarError) in
                try passBlocks(of: opened, to: sink)
            }
            if source.fromCache == file.size { return source }
            try makePartial(from: opened, bytes: source.fromCache)
            removeFile(whole)
        }
        try makeDirectories(layout.partials, .cache)
        try makeDirectories(whole.removingLastComponent(), .cache)
        let partialPath = layout.partial(file.sha256)
        guard let partial = try open(partialPath, .readWrite, create: true) else {
            throw RootcellarError(.cache, "cannot make a file", subject: partialPath.string)
        }
        defer { try? partial.close() }
        if source.fromCache == 0 { source.fromCache = try passBlocks(of: partial, to: sink) }
        try fetch(from: source.fromCache, into: partial, sink)
        source.fetched = file.size - source.fromCache
        do throws(Errno) {
            try rename(partialPath, to: whole)
        } catch {
            throw systemError(.cache, "cannot keep a file", error, subject: whole.string)
        }
        sweepPartials()
        withExtendedLifetime(lock) {}
        return source
    }

    /// Hands on the good blocks at the beginning of a file, up to the first that is not.
    ///
    /// - Returns: how many bytes were good.
    private func passBlocks(
        of opened: FileDescriptor,
        to sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) -> Int {
        var buffer = [UInt8](repeating: 0, count: ImageDocument.blockSize)
        var good = 0
        for block in blocks {
            let wanted = min(ImageDocument.blockSize, file.size - good)
            let count: Int
            do throws(Errno) {
                count = try readBlock(opened, &buffer)
            } catch {
                throw systemError(.cache, "cannot read the cache", error, subject: path)
            }
            guard count >= wanted else { break }
            let piece = buffer.span.extracting(first: wanted)
            let bytes = unsafe piece.bytes
            guard SHA256Digest(hashing: bytes) == block else { break }
            try sink(bytes)
            good += wanted
        }
        return good
    }

    /// Fetches the rest, from a block's beginning on.
    private func fetch(
        from offset: Int,
        into partial: FileDescriptor,
        _ sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) {
        guard offset < file.size else { return }
        guard let session = server.session else {
            throw server.offline ?? RootcellarError(.transport, "no connection", subject: path)
        }
        do {
            try partial.seek(offset: Int64(offset), from: .start)
            try partial.resize(to: Int64(offset))
        } catch {
            throw RootcellarError(.cache, "cannot write to the cache: \(error)", subject: path)
        }
        var index = offset / ImageDocument.blockSize
        var block: [UInt8] = []
        block.reserveCapacity(ImageDocument.blockSize)
        var left = file.size - offset
        func endBlock() throws(RootcellarError) {
            let full = block
            block = []
            block.reserveCapacity(ImageDocument.blockSize)
            guard SHA256Digest(hashing: full) == blocks[index] else {
                throw RootcellarError(
                    .hash,
                    "block \(index) is not the signed one",
                    subject: session.server.url(of: path),
                    hint: "the server, a mirror or a cache on the way has a damaged or changed copy"
                )
            }
            do throws(Errno) {
                try writeAll(partial, unsafe full.span.bytes)
            } catch {
                throw systemError(.cache, "cannot write to the cache", error, subject: layout.root.string)
            }
            try sink(unsafe full.span.bytes)
            index += 1
            left -= full.count
        }
        try session.stream(path, from: offset, size: file.size) { bytes throws(RootcellarError) in
            var rest = bytes
            while rest.byteCount > 0 {
                let wanted = min(ImageDocument.blockSize, left) - block.count
                let piece = rest.extracting(first: min(wanted, rest.byteCount))
                unsafe piece.withUnsafeBytes { unsafe block.append(contentsOf: $0) }
                rest = rest.extracting(droppingFirst: piece.byteCount)
                if block.count == min(ImageDocument.blockSize, left) { try endBlock() }
            }
        }
    }

    /// Keeps the good beginning of a damaged object.
    private func makePartial(from opened: FileDescriptor, bytes: Int) throws(RootcellarError) {
        do {
            try makeDirectories(layout.partials, .cache)
            let partial = try FileDescriptor.open(
                layout.partial(file.sha256),
                .writeOnly,
                options: [.create, .truncate, .closeOnExec, .noFollow],
                permissions: FilePermissions(rawValue: 0o644)
            )
            defer { try? partial.close() }
            try opened.seek(offset: 0, from: .start)
            var buffer = [UInt8](repeating: 0, count: ImageDocument.blockSize)
            var left = bytes
            while left > 0 {
                let count = min(left, try readBlock(opened, &buffer))
                guard count > 0 else { break }
                let piece = buffer.span.extracting(first: count)
                try writeAll(partial, unsafe piece.bytes)
                left -= count
            }
        } catch let error as RootcellarError {
            throw error
        } catch {
            throw RootcellarError(.cache, "cannot repair the cache: \(error)", subject: path)
        }
    }

    /// Removes what ended processes left behind of other files: nobody is writing to a part whose lock is free.
    private func sweepPartials() {
        guard let directory = try? FileDescriptor.open(layout.partials, .readOnly, options: [.directory, .closeOnExec])
        else { return }
        defer { try? directory.close() }
        for name in (try? directory.names()) ?? [] {
            let text = String(decoding: name, as: UTF8.self)
            guard let digest = SHA256Digest(hex: text), digest != file.sha256 else { continue }
            guard let lock = try? FileLock(layout.lock("object-\(digest)"), limit: 0) else { continue }
            try? directory.remove(name)
            withExtendedLifetime(lock) {}
        }
    }

    private func open(
        _ path: FilePath,
        _ mode: FileDescriptor.AccessMode,
        create: Bool = false
    ) throws(RootcellarError) -> FileDescriptor? {
        do {
            return try FileDescriptor.open(
                path,
                mode,
                options: create ? [.create, .closeOnExec, .noFollow] : [.closeOnExec, .noFollow],
                permissions: create ? FilePermissions(rawValue: 0o644) : nil
            )
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw RootcellarError(.cache, "cannot open: \(error)", subject: path.string)
        }
    }
}
