// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// Tars as files that can be mapped.
enum PlainTar {
    /// Opens a tar; one that is compressed is decompressed into a file without a name.
    ///
    /// - Parameter scratch: a directory for that file.
    /// - Throws: `USAGE` for a file that cannot be opened, `ARCHIVE` for one that is broken.
    static func open(_ path: FilePath, scratch: FilePath) throws(RootcellarError) -> FileDescriptor {
        let file = try open(file: path)
        var head = [UInt8](repeating: 0, count: 16)
        do {
            let count = try readBlock(file, &head)
            try file.seek(offset: 0, from: .start)
            guard let compression = Compression(magic: head.prefix(count)) else { return file }
            defer { try? file.close() }
            let name = scratch.appending(".rootcellar-\(getpid())-\(file.rawValue)")
            let plain = try FileDescriptor.open(
                name,
                .readWrite,
                options: [.create, .exclusiveCreate, .closeOnExec, .noFollow],
                permissions: .ownerReadWrite
            )
            _ = unsafe name.withPlatformString { unsafe unlink($0) }
            try compression.decompress(file, to: plain, limit: TarPatch.sizeLimit)
            return plain
        } catch let error as RootcellarError {
            throw RootcellarError(error.errorClass, error.reason, subject: path.string, hint: error.hint)
        } catch {
            throw RootcellarError(.usage, "cannot read the file: \(error)", subject: path.string)
        }
    }

    /// Opens a file as it is.
    static func open(file path: FilePath) throws(RootcellarError) -> FileDescriptor {
        do {
            return try .open(path, .readOnly, options: [.closeOnExec])
        } catch {
            throw RootcellarError(.usage, "cannot open the file: \(error)", subject: path.string)
        }
    }
}
