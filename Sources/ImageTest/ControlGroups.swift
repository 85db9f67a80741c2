// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import SystemPackage

/// A control group of the test's own in each hierarchy, so that whatever LXC, LXD and Incus make is below one directory
/// and can be removed, also by the next run after a kill.
///
/// All of them begin at the group of process 1, and leave `init.scope` out of its path: that is where process 1 goes, since
/// with cgroup v2 a group with groups below it may hold no processes itself (cgroups(7)).
struct ControlGroups {
    private static let parent = "rootcellar-test"
    private static let scope = "init.scope"
    private let hierarchies: [(mount: FilePath, former: String)]
    private let name: String

    /// Moves this process and process 1 of its namespace into groups of their own, after removing those of dead runs. A
    /// hierarchy in which that is not allowed is left as it is.
    init() {
        name = String(UInt64.random(in: .min ... .max), radix: 36)
        hierarchies = Self.mounted()
        for (mount, _) in hierarchies {
            let top = mount.appending(Self.parent)
            Self.sweep(top)
            // Another run may sweep between the two calls, as long as nobody is inside.
            for _ in 0..<8 {
                let group = top.appending(name)
                for path in [top, group, group.appending(Self.scope)] { Self.make(path, as: mount) }
                if Self.move(to: group.appending(Self.scope)) { break }
            }
        }
    }

    /// Moves both back and removes the groups, which are empty by then.
    func leave() {
        for (mount, former) in hierarchies {
            let old = FilePath(mount.string + former)
            if !Self.move(to: old) { _ = Self.move(to: mount) }
            let group = mount.appending(Self.parent).appending(name)
            // The processes inside were killed a moment ago.
            _ = wait(seconds: 5) {
                Self.remove(group)
                return (try? openPath(group, .readOnly, .directory).closeQuietly()) == nil
            }
            _ = unsafe mount.appending(Self.parent).withPlatformString { unsafe rmdir($0) }
        }
    }

    /// Removes groups in whose scope nobody is.
    ///
    /// Another run may come into its group at any moment. It makes more groups only from within its scope, and the kernel
    /// removes none with processes in it: so the scope goes first, and after it only what was there before.
    private static func sweep(_ top: FilePath) {
        for group in directories(top) {
            let inner = directories(group).filter { $0.lastComponent?.string != scope }
            let isGone = unsafe group.appending(scope).withPlatformString { unsafe rmdir($0) } == 0 || errno == ENOENT
            guard isGone else { continue }
            for other in inner { remove(other) }
            _ = unsafe group.withPlatformString { unsafe rmdir($0) }
        }
        _ = unsafe top.withPlatformString { unsafe rmdir($0) }
    }

    private static func make(_ path: FilePath, as mount: FilePath) {
        guard unsafe path.withPlatformString({ unsafe mkdir($0, 0o755) }) == 0 else { return }
        // A new group of this controller has no processors and no memory until it is told (cpuset(7)).
        for file in ["cpuset.cpus", "cpuset.mems"] {
            if let bytes = try? readFile(path.removingLastComponent().appending(file), limit: 4096) {
                try? writeFile(path.appending(file), bytes)
            }
        }
    }

    private static func move(to group: FilePath) -> Bool {
        guard let file = try? openPath(group.appending("cgroup.procs"), .writeOnly) else { return false }
        defer { file.closeQuietly() }
        // One process for each write(2).
        return ["1", "\(getpid())"].allSatisfy { id in
            let bytes = Array(id.utf8)
            return unsafe (try? writeAll(file, bytes.span.bytes)) != nil
        }
    }

    private static func remove(_ group: FilePath) {
        for inner in directories(group) { remove(inner) }
        _ = unsafe group.withPlatformString { unsafe rmdir($0) }
    }

    private static func directories(_ path: FilePath) -> [FilePath] {
        guard let directory = try? openPath(path, .readOnly, .directory) else { return [] }
        defer { directory.closeQuietly() }
        let names = (try? directory.names()) ?? []
        return names.filter { (try? directory.status(of: $0))?.kind == .directory }
            .map { path.appending(String(decoding: $0, as: UTF8.self)) }
    }

    /// Where each hierarchy is mounted, and this process's group in it (cgroups(7)).
    private static func mounted() -> [(mount: FilePath, former: String)] {
        func lines(_ path: FilePath) -> [Substring] {
            String(decoding: (try? readFile(path)) ?? [], as: UTF8.self).split(separator: "\n")
        }
        var groups: [String: String] = [:]
        for line in lines("/proc/self/cgroup") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            groups[String(fields[1])] = String(fields[2])
        }
        var result: [(mount: FilePath, former: String)] = []
        for line in lines("/proc/self/mounts") {
            let fields = line.split(separator: " ")
            guard fields.count >= 4, fields[2].hasPrefix("cgroup") else { continue }
            let options = Set(fields[3].split(separator: ",").map(String.init))
            let key =
                fields[2] == "cgroup2"
                ? ""
                : groups.keys.first { !$0.isEmpty && options.isSuperset(of: $0.split(separator: ",").map(String.init)) }
            if let key, let group = groups[key] { result.append((FilePath(String(fields[1])), group)) }
        }
        return result
    }
}
