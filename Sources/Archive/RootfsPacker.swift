// SPDX-License-Identifier: Apache-2.0

package import Model
import Synchronization
package import SystemPackage

/// Packs a rootfs: the tree is read once, into one canonical tar stream, which feeds every output at the same time.
///
/// Has to run where the tree's owners have the container's ids: inside the user namespace of a rootless build.
package struct RootfsPacker: Sendable {
    /// What a file is made of the stream.
    package enum Form: Sendable, Equatable {
        /// The tar itself.
        case tar
        /// xz in blocks.
        case xz(level: Int)
        /// One Zstandard frame.
        case zstd(level: Int)
        /// A squashfs image of the same tree, by sqfstar(1), in Zstandard blocks at sqfstar's own level.
        case squashfs
        /// The same by mksquashfs(1) with another compressor, and its level where it has such.
        case squashfsBy(compressor: String, level: Int?)
        /// What a program makes of the tar that it reads on standard input.
        case filter(program: FilePath, arguments: [String])
    }

    /// One file to make.
    package struct Output: Sendable {
        package var form: Form
        /// The name in the result.
        package var name: String
        package var path: FilePath

        /// An output.
        package init(_ form: Form, name: String, path: FilePath) {
            self.form = form
            self.name = name
            self.path = path
        }
    }

    /// The figures of everything that was made.
    package struct Packed: Sendable {
        package var tar: ImageDocument.Tar
        package var files: [String: ImageDocument.File]
    }

    private let epoch: Timestamp
    private let threads: Int

    /// A packer.
    ///
    /// - Parameters:
    ///   - epoch: SOURCE_DATE_EPOCH; later times in the tree become this.
    ///   - threads: how many threads each encoder may use. Changes the time, never a byte.
    package init(epoch: Timestamp, threads: Int) {
        self.epoch = epoch
        self.threads = threads
    }

    /// Packs `rootfs` into all `outputs`.
    ///
    /// - Parameters:
    ///   - namePrefix: what the name of every member begins with.
    ///   - trailer: members of their own names that follow the tree.
    /// - Throws: `BUILD`; files that were begun are left for the caller to remove with their directory.
    package func pack(
        _ rootfs: FilePath,
        outputs: [Output],
        namePrefix: String = "./",
        trailer: SmallArchive? = nil
    ) throws(RootcellarError) -> Packed {
        let consumers = outputs.map { Consumer($0, epoch: epoch, threads: threads) }
        var hasher = SHA256Hasher()
        var size = 0
        var chunk: [UInt8] = []
        chunk.reserveCapacity(Self.chunkSize)
        func flush() throws(RootcellarError) {
            for consumer in consumers where !consumer.queue.put(chunk) {
                throw RootcellarError(.build, "an encoder stopped")
            }
            chunk = []
            chunk.reserveCapacity(Self.chunkSize)
        }
        var failure: RootcellarError?
        let walk = TreeWalk(
            epoch: epoch,
            writer: TarWriter(namePrefix: namePrefix) { bytes throws(RootcellarError) in
                hasher.update(bytes)
                size += bytes.byteCount
                unsafe bytes.withUnsafeBytes { unsafe chunk.append(contentsOf: $0) }
                if chunk.count >= Self.chunkSize { try flush() }
            }
        )
        do throws(RootcellarError) {
            try walk.write(rootfs, trailer: trailer)
            try flush()
        } catch {
            failure = error
        }
        var files: [String: ImageDocument.File] = [:]
        for consumer in consumers { consumer.queue.end() }
        for consumer in consumers {
            switch consumer.result() {
            case .success(let file): files[consumer.name] = file
            // An encoder's own words say more than "an encoder stopped".
            case .failure(let error): failure = error
            }
        }
        if let failure { throw failure }
        return Packed(
            tar: ImageDocument.Tar(
                size: size,
                sha256: hasher.finish(),
                entries: walk.entries,
                unpackedBytes: walk.contentBytes
            ),
            files: files
        )
    }

    private static let chunkSize = 1 << 20
}

/// One output and the thread that makes it.
private final class Consumer {
    let name: String
    let queue = ChunkQueue(capacity: 16)
    private let outcome = Outcome()
    private let thread: WorkerThread

    private final class Outcome: Sendable {
        let value = Mutex<Result<ImageDocument.File, RootcellarError>?>(nil)
    }

    init(_ output: RootfsPacker.Output, epoch: Timestamp, threads: Int) {
        name = output.name
        thread = WorkerThread { [queue, outcome] in
            let result = Result { () throws(RootcellarError) in
                try encode(output, epoch: epoch, threads: threads, from: queue)
            }
            if case .failure = result { queue.abandon() }
            outcome.value.withLock { $0 = result }
        }
    }

    func result() -> Result<ImageDocument.File, RootcellarError> {
        thread.join()
        return outcome.value.withLock { $0 } ?? .failure(RootcellarError(.internal, "an encoder left no result"))
    }
}

/// Makes one output of a tar that comes in pieces.
func encode(
    _ output: RootfsPacker.Output,
    epoch: Timestamp,
    threads: Int,
    from queue: ChunkQueue
) throws(RootcellarError) -> ImageDocument.File {
    let program: ProgramEncoder? =
        switch output.form {
        case .squashfs: try .squashfs(output.path, epoch: epoch, threads: threads)
        case .squashfsBy(let compressor, let level):
            try .squashfs(output.path, compressor: compressor, level: level, epoch: epoch, threads: threads)
        case .filter(let program, let arguments): try ProgramEncoder(output.path, program, arguments, isFilter: true)
        case .tar, .xz, .zstd: nil
        }
    if let program {
        while let chunk = queue.take() { unsafe try program.write(chunk.span.bytes) }
        return try program.finish()
    }
    let file = try HashedFile(output.path)
    switch output.form {
    case .tar, .squashfs, .squashfsBy, .filter:
        while let chunk = queue.take() { unsafe try file.write(chunk.span.bytes) }
    case .xz(let level):
        let encoder = try XZEncoder(level: level, threads: threads, output: file)
        while let chunk = queue.take() { unsafe try encoder.write(chunk.span.bytes) }
        try encoder.finish()
    case .zstd(let level):
        let encoder = try ZstdEncoder(level: level, threads: threads, output: file)
        while let chunk = queue.take() { unsafe try encoder.write(chunk.span.bytes) }
        try encoder.finish()
    }
    return file.finish()
}
