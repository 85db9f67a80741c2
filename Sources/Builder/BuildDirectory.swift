// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
import Model
import SystemPackage

/// The private directory a build works in: a sibling of its output, so that the finished image can be renamed into
/// place. Its lock is held as long as the build lives; the next build beside it sweeps what no lock protects.
final class BuildDirectory {
    private static let prefix = ".rootcellar-build-"

    /// The directory, of mode 0700.
    let path: FilePath
    /// Where the root is put together: memory or disk, without working device nodes.
    let scratch: FilePath
    /// What was chosen for `scratch`, for the log.
    let scratchKind: String
    private let lock: FileDescriptor
    private var isFinished = false

    /// The root.
    var rootfs: FilePath { scratch.appending("rootfs") }
    /// The files of the image, while they are made.
    var image: FilePath { path.appending("image") }
    /// Temporary files of programs.
    var temporary: FilePath { scratch.appending("tmp") }

    /// Makes the directory, after removing those that dead builds left.
    ///
    /// - Throws: `BUILD`.
    init(beside output: FilePath, kind: BuildOptions.Scratch) throws(RootcellarError) {
        let parent = output.removingLastComponent().isEmpty ? FilePath(".") : output.removingLastComponent()
        let made = try building("make a build directory", parent.string) {
            () throws(Errno) -> (FilePath, FileDescriptor) in
            let directory = try openPath(parent, .readOnly, .directory)
            defer { directory.closeQuietly() }
            // Between making a directory and locking it, nobody may sweep.
            if flock(directory.rawValue, LOCK_EX) != 0 { throw Errno(rawValue: errno) }
            try Self.sweep(directory)
            let name = Array("\(Self.prefix)\(String(UInt64.random(in: .min ... .max), radix: 36))".utf8)
            try directory.makeDirectory(name, mode: 0o700)
            let lock = try directory.open(name, O_RDONLY | O_DIRECTORY)
            if flock(lock.rawValue, LOCK_EX | LOCK_NB) != 0 { throw Errno(rawValue: errno) }
            return (parent.appending(String(decoding: name, as: UTF8.self)), lock)
        }
        (path, lock) = made
        scratch = path.appending("scratch")
        try makeHostDirectory(scratch, mode: 0o700)
        try makeHostDirectory(path.appending("image"))
        scratchKind = try Self.mount(scratch, kind)
        try makeHostDirectory(scratch.appending("rootfs"))
        try makeHostDirectory(scratch.appending("tmp"), mode: 0o1777)
    }

    deinit { if !isFinished { remove() } }

    /// Removes whatever is left of it.
    func remove() {
        isFinished = true
        _ = unsafe scratch.withPlatformString { unsafe clinux_unmount_scratch($0) }
        try? removeHostDirectory(path)
        lock.closeQuietly()
    }

    /// Removes what dead builds left beside `output`.
    static func sweep(beside output: FilePath) throws(RootcellarError) {
        let parent = output.removingLastComponent().isEmpty ? FilePath(".") : output.removingLastComponent()
        try building("sweep", parent.string) { () throws(Errno) in
            let directory = try openPath(parent, .readOnly, .directory)
            defer { directory.closeQuietly() }
            if flock(directory.rawValue, LOCK_EX) != 0 { throw Errno(rawValue: errno) }
            try sweep(directory)
        }
    }

    private static func sweep(_ parent: FileDescriptor) throws(Errno) {
        for name in try parent.names() where name.starts(with: Array(prefix.utf8)) {
            guard let stale = try? parent.open(name, O_RDONLY | O_DIRECTORY) else { continue }
            defer { stale.closeQuietly() }
            guard flock(stale.rawValue, LOCK_EX | LOCK_NB) == 0 else { continue }
            try? emptyDirectory(stale)
            try? parent.remove(name, directory: true)
        }
    }

    /// Bytes of memory that a build may fill before it is better put on disk.
    private static let memoryWorthHaving = 4 << 30

    private static func mount(_ scratch: FilePath, _ kind: BuildOptions.Scratch) throws(RootcellarError) -> String {
        // Half of what is free: the encoders need some as well.
        let size = MemoryInformation.availableBytes / 2
        let inMemory = kind == .memory || (kind == .automatic && size >= memoryWorthHaving)
        let result = unsafe scratch.withPlatformString { path in
            inMemory ? unsafe clinux_mount_scratch_memory(path, UInt64(size)) : unsafe clinux_mount_scratch_disk(path)
        }
        if result != 0 {
            throw systemError(
                .build,
                "cannot mount the place to build in",
                Errno(rawValue: errno),
                subject: scratch.string
            )
        }
        if inMemory {
            // apt downloads as a user of its own, who has to get there; nobody outside sees what is mounted. On disk
            // others could, and execute set-id programs of the image, so there apt has to stay root.
            let directory = scratch.removingLastComponent()
            _ = unsafe directory.withPlatformString { unsafe chmod($0, 0o711) }
        }
        return inMemory ? "memory, at most \(size >> 20) MiB" : "disk"
    }
}

/// What `/proc/meminfo` says.
enum MemoryInformation {
    /// Bytes that programs could still use; 0 if that is not known.
    static var availableBytes: Int {
        guard let bytes = try? readFile("/proc/meminfo") else { return 0 }
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        where line.hasPrefix("MemAvailable:") {
            return line.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map { $0 << 10 } ?? 0
        }
        return 0
    }
}
