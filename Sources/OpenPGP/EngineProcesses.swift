// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// Finds and ends the engine's processes.
///
/// gpgme detaches each process it starts, so that its id is known to nobody. But each is told the path of its home,
/// which no other process on the machine has in its arguments.
enum EngineProcesses {
    /// Ends every process of this user that has a path in or below `directory` among its arguments, and all its
    /// descendants; and version queries of `program` in our own process group, which are told no home.
    static func kill(naming directory: FilePath, orAsking program: FilePath? = nil) {
        let everything = all()
        var doomed = Set(everything.filter { isEngine($0, directory, program) }.map(\.id))
        var before = -1
        while before != doomed.count {
            before = doomed.count
            for process in everything where doomed.contains(process.parent) { doomed.insert(process.id) }
        }
        for id in doomed { _ = Glibc.kill(id, SIGKILL) }
    }

    /// Ids of the processes that name `directory`.
    static func ids(naming directory: FilePath) -> [pid_t] {
        all().filter { isEngine($0, directory, nil) }.map(\.id)
    }

    private struct Process {
        var id: pid_t
        var parent: pid_t
        var group: pid_t
        var arguments: [String]
    }

    private static func isEngine(_ process: Process, _ directory: FilePath, _ program: FilePath?) -> Bool {
        guard process.id != getpid() else { return false }
        if process.arguments.contains(where: { $0 == directory.string || $0.hasPrefix(directory.string + "/") }) {
            return true
        }
        guard let program, process.group == getpgrp() else { return false }
        return process.arguments.contains(program.string) && process.arguments.contains("--version")
    }

    private static func all() -> [Process] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name in
            guard let id = pid_t(name), let arguments = read("/proc/\(name)/cmdline"),
                let status = read("/proc/\(name)/stat"),
                // The command's name may have blanks and parentheses in it; what counts stands behind the last one.
                let end = status.lastIndex(of: 0x29)
            else { return nil }
            let fields = status[end...].split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
            guard fields.count > 3, let parent = pid_t(fields[2]), let group = pid_t(fields[3]) else { return nil }
            return Process(
                id: id,
                parent: parent,
                group: group,
                arguments: arguments.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            )
        }
    }

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = try? FileDescriptor.open(FilePath(path), .readOnly, options: .closeOnExec) else { return nil }
        defer { try? file.close() }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = (try? unsafe buffer.withUnsafeMutableBytes { unsafe try file.read(into: $0) }) ?? 0
        return Array(buffer.prefix(count))
    }
}
