// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
package import Model
package import SystemPackage

/// Decides in which namespaces a build runs, and starts the whole command again inside of them.
///
/// A build is always in a mount and a pid namespace of its own: what it mounts exists nowhere else, and when it is
/// killed, everything it started dies with it. Who is not root, or does not want to be, gets a user namespace on top.
/// The namespaces are made by `rootcellar-sandbox`, because only a process with one thread can.
package enum RootlessEntry {
    /// Who the build shall be.
    package enum Wish: Sendable {
        /// Root if the caller is root, else rootless.
        case automatic
        /// In a user namespace, also if the caller is root.
        case rootless
        /// Real root or not at all.
        case root
    }

    /// Whether this process runs in the namespaces of a build.
    package static var isInside: Bool { OwnNamespaces.areEntered }

    /// Returns when this process runs in the namespaces of a build. Where it does not, the program is executed again
    /// inside, with the same arguments, and this never returns.
    ///
    /// To be called before anything was started or written.
    ///
    /// - Parameters:
    ///   - architecture: Debian's name of the architecture whose programs are to be run, if any. Where the machine cannot,
    ///     root gets a user namespace too, which can have an emulator of its own.
    ///   - arguments: the program's own command line.
    ///   - network: whether it also gets a network namespace of its own.
    /// - Throws: `POLICY` if the machine's settings do not allow it, naming the setting and what to do.
    package static func enter(
        _ wish: Wish,
        architecture: String? = nil,
        arguments: [String],
        network: Bool = false
    ) throws(RootcellarError) {
        guard !isInside else { return }
        let isRoot = clinux_is_root() != 0
        if wish == .root, !isRoot {
            throw RootcellarError(
                .policy,
                "--root needs root",
                hint: "run the command as root, or without --root"
            )
        }
        var command = ["rootcellar-sandbox", "enter"]
        var needsNamespace = !isRoot || wish == .rootless
        // In a container the processes outside of the build are only then out of the scripts' reach.
        if !needsNamespace, wish == .automatic { needsNamespace = isInContainer }
        if !needsNamespace, wish == .automatic, let architecture {
            needsNamespace = try !ForeignPrograms.areExecutable(architecture)
        }
        if needsNamespace { command += try maps(isRoot: isRoot) }
        if network { command.append("--network") }
        let sandbox = try sandboxProgram()
        guard let own = try? FilePath("/proc/self/exe").symbolicLinkTarget() else {
            throw RootcellarError(.internal, "cannot find the own program", subject: "/proc/self/exe")
        }
        command += ["--", own.string] + arguments.dropFirst()
        throw replaceProcess(sandbox, command)
    }

    /// Lets standard input say `bytes` once more to the program that `enter` executes.
    ///
    /// - Throws: the system's error.
    package static func keepInput(_ bytes: [UInt8]) throws {
        let file = FileDescriptor(rawValue: unsafe clinux_memory_file("input"))
        guard file.rawValue >= 0 else { throw Errno(rawValue: errno) }
        try file.closeAfter {
            try file.writeAll(bytes)
            try file.seek(offset: 0, from: .start)
            _ = try file.duplicate(as: .standardInput)
        }
    }

    /// The program `rootcellar-sandbox`: beside the running program, else in the usual directories.
    ///
    /// - Throws: `POLICY` if it is in neither.
    package static func sandboxProgram() throws(RootcellarError) -> FilePath {
        if let own = try? FilePath("/proc/self/exe").symbolicLinkTarget() {
            let beside = own.removingLastComponent().appending("rootcellar-sandbox")
            if let file = try? openPath(beside, .readOnly) {
                file.closeQuietly()
                return beside
            }
        }
        return try HostProgram.require("rootcellar-sandbox", package: "rootcellar")
    }

    /// Whether this process's user namespace is not the machine's first, which maps every id to itself.
    private static var isInContainer: Bool {
        guard let map = try? readFile("/proc/self/uid_map") else { return false }
        let numbers = String(decoding: map, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        return !numbers.elementsEqual(["0", "0", "4294967295"])
    }

    private static func maps(isRoot: Bool) throws(RootcellarError) -> [String] {
        if isRoot {
            // Root may map any ids, and maps them to themselves: the files of a build keep the owners they would have.
            let ids = SubordinateIDs(first: 1)
            return ids.options("--map-user", caller: 0) + ids.options("--map-group", caller: 0)
        }
        try checkSettings()
        _ = try HostProgram.require("newuidmap", package: "uidmap")
        let users = try range("/etc/subuid", option: "--add-subuids")
        let groups = try range("/etc/subgid", option: "--add-subgids")
        return users.options("--map-user", caller: getuid()) + groups.options("--map-group", caller: getgid())
    }

    /// The settings by which kernels and distributions forbid user namespaces.
    private static func checkSettings() throws(RootcellarError) {
        // user_namespaces(7): EPERM for a process in a chroot; only root gets out of it.
        if clinux_root_is_mount_point() == 0 {
            throw RootcellarError(
                .policy,
                "an ordinary user can make no user namespace in a chroot",
                hint: "run the command as root, or in a container instead of the chroot"
            )
        }
        let settings = [
            ("kernel.unprivileged_userns_clone", "0", "1"),
            ("user.max_user_namespaces", "0", "15000"),
            ("kernel.apparmor_restrict_unprivileged_userns", "1", "0"),
        ]
        for (name, forbidding, allowing) in settings {
            let path = FilePath("/proc/sys/" + String(name.map { $0 == "." ? "/" : $0 }))
            guard let bytes = try? readFile(path), trimmedLine(bytes) == forbidding else { continue }
            throw RootcellarError(
                .policy,
                "user namespaces are forbidden here",
                subject: "\(name) = \(forbidding)",
                hint: "as root: sysctl -w \(name)=\(allowing)"
            )
        }
    }

    private static func range(_ file: String, option: String) throws(RootcellarError) -> SubordinateIDs {
        let uid = getuid()
        let name = userName(uid)
        if let bytes = try? readFile(FilePath(file)),
            let ids = SubordinateIDs(in: String(decoding: bytes, as: UTF8.self), user: name, uid: uid)
        {
            return ids
        }
        throw RootcellarError(
            .policy,
            "no \(SubordinateIDs.needed) subordinate ids for '\(name ?? String(uid))'",
            subject: file,
            hint: "as root: usermod \(option) 100000-165535 \(name ?? String(uid))"
        )
    }

    private static func userName(_ uid: UInt32) -> String? {
        guard let entry = unsafe getpwuid(uid), let name = unsafe entry.pointee.pw_name else { return nil }
        return unsafe String(cString: name)
    }

    private static func trimmedLine(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix { $0 != 0x0A }, as: UTF8.self)
    }

    /// Returns only if it failed.
    private static func replaceProcess(_ program: FilePath, _ arguments: [String]) -> RootcellarError {
        var pointers: [UnsafeMutablePointer<CChar>?] = unsafe arguments.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        let code = unsafe program.withPlatformString { path in
            unsafe pointers.withUnsafeBufferPointer { words in
                unsafe clinux_replace_process(path, words.baseAddress)
            }
        }
        return RootcellarError(.internal, "cannot execute: \(Errno(rawValue: code))", subject: program.string)
    }
}
