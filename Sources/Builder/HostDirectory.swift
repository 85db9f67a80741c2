// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// Makes one directory of the host; one that is there is fine.
func makeHostDirectory(_ path: FilePath, mode: UInt32 = 0o755) throws(RootcellarError) {
    try building("make a directory", path.string) { () throws(Errno) in
        let result = unsafe path.withPlatformString { unsafe mkdir($0, mode) }
        if result != 0, errno != EEXIST { throw Errno(rawValue: errno) }
    }
}

/// Makes a directory of the host and all above it.
func makeHostDirectories(_ path: FilePath, mode: UInt32 = 0o755) throws(RootcellarError) {
    var made = FilePath(root: path.root)
    for component in path.components {
        made.append(component)
        try makeHostDirectory(made, mode: mode)
    }
}

/// Renames a file or directory of the host.
func renameHost(_ path: FilePath, to other: FilePath) throws(RootcellarError) {
    try building("rename to \(other.string)", path.string) { () throws(Errno) in
        let result = unsafe path.withPlatformString { path in
            unsafe other.withPlatformString { unsafe rename(path, $0) }
        }
        if result != 0 { throw Errno(rawValue: errno) }
    }
}

/// Empties a directory of the host and removes it; what is not there is fine.
func removeHostDirectory(_ path: FilePath) throws(Errno) {
    let directory: FileDescriptor
    do throws(Errno) {
        directory = try openPath(path, .readOnly, [.directory, .noFollow])
    } catch {
        if error == .noSuchFileOrDirectory { return }
        throw error
    }
    defer { directory.closeQuietly() }
    try emptyDirectory(directory)
    let result = unsafe path.withPlatformString { unsafe rmdir($0) }
    if result != 0, errno != ENOENT { throw Errno(rawValue: errno) }
}
