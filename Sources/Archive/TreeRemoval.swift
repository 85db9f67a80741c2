// SPDX-License-Identifier: Apache-2.0

import Glibc
package import SystemPackage

/// Removes everything in a directory, relative to its descriptor: no symbolic link is followed and no other file
/// system is entered, so that a leaked mount cannot turn a clean-up into the loss of a host.
///
/// - Throws: the first error; what could not be removed stays.
package func emptyDirectory(_ directory: FileDescriptor, keeping kept: Set<[UInt8]> = []) throws(Errno) {
    let home = try directory.status().fileSystem
    try emptyDirectory(directory, keeping: kept, fileSystem: home)
}

private func emptyDirectory(
    _ directory: FileDescriptor,
    keeping kept: Set<[UInt8]>,
    fileSystem: UInt64
) throws(Errno) {
    for name in try directory.names() where !kept.contains(name) {
        let status = try directory.status(of: name)
        guard status.kind == .directory else {
            try directory.remove(name)
            continue
        }
        guard status.fileSystem == fileSystem else { throw Errno.resourceBusy }
        let child = try directory.open(name, O_RDONLY | O_DIRECTORY)
        defer { try? child.close() }
        try emptyDirectory(child, keeping: [], fileSystem: fileSystem)
        try directory.remove(name, directory: true)
    }
}
