// SPDX-License-Identifier: Apache-2.0

import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// What an entity tag is made of.
///
/// - Throws: `EISDIR` for anything but a regular file.
func fileStatus(_ file: FileDescriptor) throws -> (size: Int, inode: UInt, modified: String) {
    var status = stat()
    guard unsafe fstat(file.rawValue, &status) == 0 else { throw SystemPackage.Errno(rawValue: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw SystemPackage.Errno.isDirectory }
    return (Int(status.st_size), status.st_ino, "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec)")
}
