// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
import Model
package import SystemPackage

/// The private directory a build works in: a sibling of its output, so that the finished image can be renamed into
/// place. Its lock is held as long as the build lives; the next build beside it sweeps what no lock protects.
final class BuildDirectory {
    /// What the names of all such directories begin with.
    static let prefix = ".rootcellar-build-"

    /// The directory, of mode 0700.
    var path: FilePath { place.path }
    /// Where the root is put together: memory or disk, without working device nodes.
    let scratch: FilePath
    /// What was chosen for `scratch`, for the log.
    let scratchKind: String
    private let place: LockedDirectory
    private var isFinished = false

    /// The root.
    var rootfs: FilePath { scratch.appending("rootfs") }
    /// The files of the image, while they are made.
    var image: FilePath { path.appending("image") }
    /// Temporary files of programs.
    var temporary: FilePath { scratch.appending("tmp") }
    /// `/run` and `/tmp` of everything that runs inside the image in one phase.
    var phaseRun: FilePath { phase.appending("run") }
    var phaseTemporary: FilePath { phase.appending("tmp") }
    private var phase: FilePath { scratch.appending("phase") }

    /// Makes the directory, after removing those that dead builds left.
    ///
    /// - Throws: `BUILD`.
    init(beside output: FilePath, kind: BuildOptions.Scratch) throws(RootcellarError) {
        // Programs that are given paths below it may go elsewhere first, and some insist.
        let parent = absolutePath(output).removingLastComponent()
        let place = try building("make a build directory", parent.string) { () throws(Errno) in
            try LockedDirectory(in: parent, prefix: Self.prefix, mode: 0o700)
        }
        self.place = place
        let path = place.path
        scratch = path.appending("scratch")
        try makeHostDirectory(scratch, mode: 0o700)
        try makeHostDirectory(path.appending("image"))
        scratchKind = try Self.mount(scratch, kind)
        try makeHostDirectory(scratch.appending("rootfs"))
        try makeHostDirectory(scratch.appending("tmp"), mode: 0o1777)
        try makeHostDirectory(phase)
        // In memory wherever the root is: scripts set file flags below /run that a disk would keep (chattr(1)).
        let result = unsafe phase.withPlatformString { path in
            unsafe clinux_mount_scratch_memory(path, UInt64(max(1 << 30, MemoryInformation.availableBytes / 2)))
        }
        if result != 0 {
            throw systemError(.build, "cannot mount memory", Errno(rawValue: errno), subject: phase.string)
        }
    }

    deinit { if !isFinished { remove() } }

    /// Begins a phase: what programs of an earlier one left in `/run` and `/tmp` is gone. Inside of one it stays, as
    /// definitions expect: one script may leave a note for another, and opkg keeps its lists there.
    func beginPhase() throws(RootcellarError) {
        for (path, mode) in [(phaseRun, UInt32(0o755)), (phaseTemporary, 0o1777)] {
            try building("empty", path.string) { () throws(Errno) in try removeHostDirectory(path) }
            try makeHostDirectory(path, mode: mode)
            try building("open up", path.string) { () throws(Errno) in
                if unsafe path.withPlatformString({ unsafe chmod($0, mode) }) != 0 { throw Errno(rawValue: errno) }
            }
        }
        let lock = phaseRun.appending("lock")
        try makeHostDirectory(lock)
        _ = unsafe lock.withPlatformString { unsafe chmod($0, 0o1777) }
    }

    /// Gives the finished root a place of its own. Only of a root on disk: memory cannot be renamed out of.
    func release(rootfs target: FilePath) throws(RootcellarError) {
        // The mount hides that both are on one file system (rename(2), EXDEV).
        _ = unsafe phase.withPlatformString { unsafe clinux_unmount_scratch($0) }
        _ = unsafe scratch.withPlatformString { unsafe clinux_unmount_scratch($0) }
        try renameHost(rootfs, to: target)
    }

    /// Removes whatever is left of it.
    func remove() {
        isFinished = true
        _ = unsafe phase.withPlatformString { unsafe clinux_unmount_scratch($0) }
        _ = unsafe scratch.withPlatformString { unsafe clinux_unmount_scratch($0) }
        place.remove()
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

/// Removes what builds have left in a directory that were killed there: the next build would, where there is one.
package func removeDeadBuilds(in directory: FilePath) {
    try? LockedDirectory.sweep(directory, prefix: BuildDirectory.prefix)
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
