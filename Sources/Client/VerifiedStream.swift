// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
package import Model
package import SystemPackage
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
    /// - Parameters:
    ///   - copies: files of other caches that may be the same; they are only read.
    ///   - onWait: called with a name for it if another process is fetching the same file; when it is done, its copy is
    ///     used.
    ///   - onProgress: told how many bytes there are and how many there will be, while they are fetched.
    package func run(
        copies: [FilePath] = [],
        onWait: (String) -> Void,
        onProgress: @escaping (Int, Int) -> Void = { _, _ in },
        sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) -> Source {
        let lock = try FileLock(layout.lock(of: file.sha256), of: layout, onWait: onWait)
        defer { withExtendedLifetime(lock) {} }
        let whole = layout.object(file.sha256)
        let partialPath = layout.partial(file.sha256)
        var good = 0
        // What was good of which file, for the case that the rest has to be fetched.
        var pieces: [(file: FileDescriptor, range: Range<Int>)] = []
        defer { for piece in pieces { try? piece.file.close() } }
        for path in [whole, partialPath] + copies where good < file.size {
            guard let opened = try open(path, isOurs: path == whole || path == partialPath) else { continue }
            let begin = good
            pieces.append((opened, begin..<begin))
            good = try passBlocks(of: opened, from: begin, to: sink)
            pieces[pieces.count - 1].range = begin..<good
            // An object that is not what its name says must not be there any longer; whoever reads it has it open.
            if path == whole, good < file.size { removeFile(whole) }
        }
        if good == file.size {
            // Whoever was killed between the last block and the rename left a part that is whole.
            if let partial = pieces.last, partial.range.count == file.size, !isThere(whole), isThere(partialPath) {
                try keep(partialPath, as: whole)
            }
            return Source(fromCache: good)
        }
        guard server.mirrors != nil else {
            throw server.offline ?? RootcellarError(.transport, "no connection", subject: path)
        }
        let partial = try assemble(pieces, partialPath)
        defer { try? partial.close() }
        try fetch(from: good, into: partial, onProgress, sink)
        try keep(partialPath, as: whole)
        sweepPartials()
        return Source(fromCache: good, fetched: file.size - good)
    }

    /// Makes a complete part an object. What is in it is checked by hash whenever it is used, so it need not be on the
    /// disk yet.
    private func keep(_ partial: FilePath, as whole: FilePath) throws(RootcellarError) {
        try layout.makeDirectory(layout.objects)
        do throws(Errno) {
            try rename(partial, to: whole)
        } catch {
            throw systemError(.cache, "cannot keep a file", error, subject: whole.string)
        }
    }

    /// Hands on the good blocks of a file from an offset, where a block begins, up to the first that is not.
    ///
    /// - Returns: up to where the bytes were good.
    private func passBlocks(
        of opened: FileDescriptor,
        from offset: Int,
        to sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) -> Int {
        var buffer = [UInt8](repeating: 0, count: ImageDocument.blockSize)
        var good = offset
        do {
            try opened.seek(offset: Int64(offset), from: .start)
        } catch {
            throw RootcellarError(.cache, "cannot read the cache: \(error)", subject: path)
        }
        for block in blocks.dropFirst(offset / ImageDocument.blockSize) {
            try Interruption.check()
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
        _ onProgress: @escaping (Int, Int) -> Void,
        _ sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) {
        guard offset < file.size else { return }
        guard let mirrors = server.mirrors else {
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
        func endBlock(_ session: HTTPSession) throws(RootcellarError) {
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
        func fetchRest(_ session: HTTPSession) throws(RootcellarError) {
            block = []
            let begin = index * ImageDocument.blockSize
            session.onProgress = { onProgress(begin + $0, file.size) }
            defer { session.onProgress = nil }
            try session.stream(path, from: begin, size: file.size) { bytes throws(RootcellarError) in
                var rest = bytes
                while rest.byteCount > 0 {
                    let wanted = min(ImageDocument.blockSize, left) - block.count
                    let piece = rest.extracting(first: min(wanted, rest.byteCount))
                    unsafe piece.withUnsafeBytes { unsafe block.append(contentsOf: $0) }
                    rest = rest.extracting(droppingFirst: piece.byteCount)
                    if block.count == min(ImageDocument.blockSize, left) { try endBlock(session) }
                }
            }
        }
        var hasRetried = false
        try mirrors.attempt { session throws(RootcellarError) in
            do throws(RootcellarError) {
                try fetchRest(session)
            } catch {
                // Where there is no other address a damaged block is asked for once more: what damaged it may be gone.
                guard error.errorClass == .hash, mirrors.isLast, !hasRetried else { throw error }
                hasRetried = true
                try fetchRest(session)
            }
        }
    }

    /// A part that holds what was good so far, wherever it came from, open for writing.
    private func assemble(
        _ pieces: [(file: FileDescriptor, range: Range<Int>)],
        _ path: FilePath
    ) throws(RootcellarError) -> FileDescriptor {
        try layout.makeDirectory(layout.partials)
        do {
            let partial = try FileDescriptor.open(
                path,
                .readWrite,
                options: [.create, .closeOnExec, .noFollow],
                permissions: FilePermissions(rawValue: 0o644)
            )
            CacheOwners.current.adopt(partial, in: layout.partials)
            let own = try partial.status().inode
            for (file, range) in pieces where !range.isEmpty {
                // What is in the part already stays where it is.
                if try file.status().inode == own { continue }
                try file.seek(offset: Int64(range.lowerBound), from: .start)
                try partial.seek(offset: Int64(range.lowerBound), from: .start)
                var buffer = [UInt8](repeating: 0, count: ImageDocument.blockSize)
                var left = range.count
                while left > 0 {
                    let count = min(left, try readBlock(file, &buffer))
                    guard count > 0 else { break }
                    let piece = buffer.span.extracting(first: count)
                    try writeAll(partial, unsafe piece.bytes)
                    left -= count
                }
            }
            return partial
        } catch {
            throw RootcellarError(
                .cache,
                "cannot write to the cache: \(error)",
                subject: path.string,
                hint: (error as? Errno) == .noSpace ? "free some space on that file system" : nil
            )
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
            guard let lock = FileLock(ifFree: layout.lock(of: digest), of: layout) else { continue }
            try? directory.remove(name)
            withExtendedLifetime(lock) {}
        }
    }

    /// A file to read; nil if there is none, or if one of another cache is not to be had.
    private func open(_ path: FilePath, isOurs: Bool) throws(RootcellarError) -> FileDescriptor? {
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow, .nonBlocking])
            if try file.status().kind == .file { return file }
            try file.close()
            guard isOurs else { return nil }
            throw RootcellarError(.cache, "not a file", subject: path.string)
        } catch let error as RootcellarError {
            throw error
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            guard isOurs else { return nil }
            throw RootcellarError(.cache, "cannot open: \(error)", subject: path.string)
        }
    }

    private func isThere(_ path: FilePath) -> Bool { unsafe path.withPlatformString { unsafe access($0, F_OK) == 0 } }
}
