// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
import Model
import SystemPackage

/// The place where an image is booted: in namespaces of its own, which this process is in already, with its own memory,
/// network, subordinate ids and control groups. All but the last vanish with the namespaces, however the run ends.
///
/// `@unchecked Sendable`: nothing of it changes while trials run.
final class TestGround: @unchecked Sendable {
    /// Takes everything that is made; of this namespace alone.
    let top = FilePath("/run/rootcellar-test")
    /// The first of the 65536 ids that an unprivileged container's are mapped to: above those that systemd gives away.
    static let firstID = 0x7000_0000
    static let idCount = 65536

    private let runtime = FilePath("/run/lxc")
    private let groups: ControlGroups
    private let disk: ScratchPlace?
    private var made: [FilePath] = []
    private let log: FileDescriptor

    /// Prepares the place.
    ///
    /// - Parameter bytes: what is needed at most; on disk where memory has not twice as much free.
    /// - Throws: `POLICY` for a missing program or outside of the namespaces, `TEST`.
    init(bytes: Int, onDisk: Bool, log: FileDescriptor) throws(RootcellarError) {
        // What follows mounts, and in the end kills, in the namespaces that it is in.
        guard OwnNamespaces.areEntered else {
            throw RootcellarError(.internal, "an image is tested in namespaces of its own alone")
        }
        self.log = log
        disk = onDisk || Self.freeMemory() / 2 < bytes ? try ScratchPlace() : nil
        groups = ControlGroups()
        do throws(RootcellarError) {
            try prepare(bytes)
        } catch {
            leave()
            throw error
        }
    }

    /// A program that a test cannot do without.
    func require(_ name: String, package: String) throws(RootcellarError) -> FilePath {
        if let path = findProgram(name) { return path }
        throw RootcellarError(
            .policy,
            "the program is not installed",
            subject: name,
            hint: "install the package '\(package)'"
        )
    }

    /// Makes a directory below the top.
    func directory(_ name: String, mode: mode_t = 0o755) throws(CheckFault) -> FilePath {
        let path = top.appending(name)
        _ = try finding("make \(path)") { () throws(Errno) in
            guard unsafe path.withPlatformString({ unsafe mkdir($0, mode) }) == 0 else { throw Errno(rawValue: errno) }
            _ = unsafe path.withPlatformString { unsafe chmod($0, mode) }
        }
        return path
    }

    /// Gives back what does not vanish by itself, after ending everything else that runs in these namespaces.
    func leave() {
        // All but this process and the namespace's first one (kill(2)).
        Glibc.kill(-1, SIGKILL)
        groups.leave()
        for path in [runtime, top] {
            while unsafe path.withPlatformString({ unsafe clinux_unmount_scratch($0) }) == 0 {}
        }
        for path in made.reversed() { _ = unsafe path.withPlatformString { unsafe rmdir($0) } }
        disk?.remove()
    }

    private func prepare(_ bytes: Int) throws(RootcellarError) {
        for path in [top, runtime] {
            let result = unsafe path.withPlatformString { unsafe mkdir($0, 0o755) }
            if result == 0 {
                made.append(path)
            } else if errno != EEXIST {
                throw systemError(.test, "cannot make a directory", Errno(rawValue: errno), subject: path.string)
            }
        }
        if let disk {
            try mount(["--bind", disk.path.string, top.string])
        } else {
            try mount(["-t", "tmpfs", "-o", "nodev,mode=0711,size=\(bytes)", "tmpfs", top.string])
        }
        try mount(["-t", "tmpfs", "-o", "nodev,mode=0755,size=16m", "tmpfs", runtime.string])
        try showOwnNetwork()
        try giveIDs()
    }

    /// sysfs shows the network devices of the namespace that mounted it, and LXC and LXD look for bridges there.
    private func showOwnNetwork() throws(RootcellarError) {
        let kept = ["/sys/fs/cgroup", "/sys/kernel/security"].filter(Self.isMountPoint)
        let places = kept.indices.map { top.appending("sys-\($0)") }
        for (path, place) in zip(kept, places) {
            try make(place)
            try mount(["--rbind", path, place.string])
        }
        try mount(["-t", "sysfs", "-o", "nosuid,nodev,noexec", "sysfs", "/sys"])
        for (path, place) in zip(kept, places) {
            try mount(["--move", place.string, path])
            _ = unsafe place.withPlatformString { unsafe rmdir($0) }
        }
    }

    /// Root's ranges are those of this run, whatever the machine's files say (subuid(5)).
    private func giveIDs() throws(RootcellarError) {
        let own = top.appending("ids")
        do throws(Errno) {
            try writeFile(own, Array("root:\(Self.firstID):\(Self.idCount)\n".utf8))
        } catch {
            throw systemError(.test, "cannot write", error, subject: own.string)
        }
        for file in ["/etc/subuid", "/etc/subgid"] where (try? readStart(FilePath(file), count: 1)) != nil {
            try mount(["--bind", own.string, file])
        }
    }

    private func make(_ path: FilePath) throws(RootcellarError) {
        guard unsafe path.withPlatformString({ unsafe mkdir($0, 0o755) }) == 0 else {
            throw systemError(.test, "cannot make a directory", Errno(rawValue: errno), subject: path.string)
        }
    }

    private func mount(_ arguments: [String]) throws(RootcellarError) {
        let program = try require("mount", package: "mount")
        // Before the scratch directory is there, what the program says has no other place.
        let tool = Tool(scratch: "/run", environment: Tool.environment(home: "/"), log: log)
        do throws(CheckFault) {
            try tool.need(program, arguments, seconds: 30)
        } catch {
            throw RootcellarError(.test, "cannot prepare the place: \(error.reason)", subject: arguments.last ?? "")
        }
    }

    private static func isMountPoint(_ path: String) -> Bool {
        String(decoding: (try? readFile("/proc/self/mounts")) ?? [], as: UTF8.self).split(separator: "\n")
            .contains { $0.split(separator: " ").dropFirst().first == path[...] }
    }

    private static func freeMemory() -> Int {
        String(decoding: (try? readFile("/proc/meminfo")) ?? [], as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix("MemAvailable:") }?.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            .map { $0 << 10 } ?? 0
    }
}

/// A directory on disk for images that do not fit into memory. Its lock is held as long as the run lives; the next run
/// removes those that no lock protects.
private final class ScratchPlace {
    private static let prefix = "rootcellar-test-"
    private static let parent = FilePath("/var/tmp")
    let path: FilePath
    private let lock: FileDescriptor

    init() throws(RootcellarError) {
        do throws(Errno) {
            let parent = try openPath(Self.parent, .readOnly, .directory)
            defer { parent.closeQuietly() }
            // Others may write here as well, so only what is root's own is swept.
            for name in try parent.names() where name.starts(with: Array(Self.prefix.utf8)) {
                guard let status = try? parent.status(of: name), status.kind == .directory, status.uid == 0,
                    let stale = try? parent.open(name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
                else { continue }
                defer { stale.closeQuietly() }
                guard flock(stale.rawValue, LOCK_EX | LOCK_NB) == 0 else { continue }
                try? emptyDirectory(stale)
                try? parent.remove(name, directory: true)
            }
            let name = "\(Self.prefix)\(String(UInt64.random(in: .min ... .max), radix: 36))"
            try parent.makeDirectory(Array(name.utf8), mode: 0o711)
            lock = try parent.open(Array(name.utf8), O_RDONLY | O_DIRECTORY)
            if flock(lock.rawValue, LOCK_EX | LOCK_NB) != 0 { throw Errno(rawValue: errno) }
            path = Self.parent.appending(name)
        } catch {
            throw systemError(.test, "cannot make a place for the test", error, subject: Self.parent.string)
        }
    }

    func remove() {
        try? emptyDirectory(lock)
        _ = unsafe path.withPlatformString { unsafe rmdir($0) }
        lock.closeQuietly()
    }
}
