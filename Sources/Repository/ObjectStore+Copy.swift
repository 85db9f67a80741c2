// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import Transfer

#if canImport(Glibc)
import Glibc
#endif

extension ObjectStore {
    /// Copies an object to a file, and hashes it.
    @discardableResult
    func copy(_ path: String, size: Int, to target: FilePath) throws(RootcellarError) -> SHA256Digest {
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(
                target,
                .writeOnly,
                options: [.create, .noFollow, .closeOnExec],
                permissions: [.ownerReadWrite, .groupRead, .otherRead]
            )
        } catch { throw Disk.fault("cannot be made", target, error) }
        defer { try? file.close() }
        var hasher = SHA256Hasher()
        var position = 0
        try stream(path, size: size) { bytes throws(RootcellarError) in
            hasher.update(bytes)
            do {
                position += try unsafe bytes.withUnsafeBytes {
                    unsafe try file.writeAll(toAbsoluteOffset: Int64(position), $0)
                }
            } catch { throw Disk.fault("cannot be written", target, error) }
        }
        guard fchmod(file.rawValue, 0o644) == 0 else {
            throw Disk.fault("cannot be chmod", target, Errno(rawValue: errno))
        }
        return hasher.finish()
    }
}
