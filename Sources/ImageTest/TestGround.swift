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
    /// Takes everything that is made; mounted in this namespace alone.
    let top: FilePath
    /// The first of the 65536 ids that an unprivileged container's are mapped to: above those that systemd gives away.
    static let firstID = 0x7000_0000
    static let idCount = 65536

    private let runtime = FilePath("/run/lxc")
    private let groups: ControlGroups
    private let place: LockedDirectory
    private let disk: LockedDirectory?
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
        // A short path, because sockets are made below it (unix(7)). Of its own for each run: removing a directory takes
        // away what others have mounted on it (rmdir(2)).
        place = try Self.place(in: "/run")
        top = place.path
        disk = onDisk || Self.freeMemory() / 2 < bytes ? try Self.place(in: "/var/tmp") : nil
        groups = ControlGroups()
        do throws(RootcellarError) {
            try prepare(bytes)
        } catch {
            leave()
            throw error
        }
    }

    private static func place(in parent: FilePath) throws(RootcellarError) -> LockedDirectory {
        do throws(Errno) {
            return try LockedDirectory(in: parent, prefix: "rootcellar-test-", mode: 0o711)
        } catch {
            throw systemError(.test, "cannot make a place for the test", error, subject: parent.string)
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
        disk?.remove()
        place.remove()
    }

    private func prepare(_ bytes: Int) throws(RootcellarError) {
        // LXC makes this one itself wherever it runs, and so it stays.
        if unsafe runtime.withPlatformString({ unsafe mkdir($0, 0o755) }) != 0, errno != EEXIST {
            throw systemError(.test, "cannot make a directory", Errno(rawValue: errno), subject: runtime.string)
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
