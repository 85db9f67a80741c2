// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

extension FileDescriptor {
    /// A file of the test's scratch directory that holds `bytes`, open for reading and writing at its beginning; what had
    /// that name before is emptied.
    package static func scratchFile(_ name: String, holding bytes: [UInt8] = []) throws -> FileDescriptor {
        let file = try FileDescriptor.open(
            ScratchDirectory.path.appending(name),
            .readWrite,
            options: [.create, .truncate],
            permissions: .ownerReadWrite
        )
        do {
            try file.writeAll(bytes)
            try file.seek(offset: 0, from: .start)
        } catch {
            try? file.close()
            throw error
        }
        return file
    }
}
