// SPDX-License-Identifier: Apache-2.0

import CLinux
import FoundationEssentials
import Glibc
import Synchronization
import SystemPackage

/// A real program that is running. Its standard streams are files in memory, so that nobody has to read along, and a
/// grandchild that outlives it holds nobody up.
final class StartedProgram: Sendable {
    private let output: MemoryFile
    private let errors: MemoryFile
    /// The process while it may be signalled: after it was waited for, its number may be somebody else's.
    private let process: Mutex<pid_t?>

    init(
        _ program: String,
        _ arguments: [String],
        _ environment: [String: String] = [:],
        input: String = ""
    ) throws {
        let inherited = ProcessInfo.processInfo.environment
        let variables = inherited.merging(environment) { $1 }
        let stdin = try MemoryFile(input)
        let (output, errors) = (try MemoryFile(), try MemoryFile())
        (self.output, self.errors) = (output, errors)
        var id: pid_t = 0
        let path = try Self.find(program, inherited["PATH"] ?? "")
        let result = unsafe Self.withCStrings([path] + arguments) { words in
            unsafe Self.withCStrings(variables.map { "\($0.key)=\($0.value)" }) { variables in
                let descriptors = [stdin, output, errors].map(\.descriptor.rawValue)
                return unsafe clinux_spawn(path, words, variables, descriptors, 3, &id)
            }
        }
        guard result == 0 else { throw Errno(rawValue: result) }
        process = Mutex(id)
    }

    func terminate() { signal(SIGTERM) }

    func kill() { signal(SIGKILL) }

    private func signal(_ number: CInt) {
        process.withLock { if let id = $0 { _ = Glibc.kill(id, number) } }
    }

    /// Waits for the end, on a thread of its own. Must be called exactly once.
    func result() async throws -> ProgramResult {
        let status: Int = await withCheckedContinuation { continuation in
            onThread { continuation.resume(returning: self.wait()) }
        }
        return ProgramResult(status: status, output: try output.text(), errors: try errors.text())
    }

    private func wait() -> Int {
        guard let id = process.withLock({ $0 }) else { return -1 }
        // The zombie keeps the number taken until the lock is held.
        var info = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(id), &info, WEXITED | WNOWAIT) != 0, errno == EINTR {}
        var status: CInt = 0
        process.withLock { process in
            unsafe clinux_wait(id, &status)
            process = nil
        }
        return Int(status)
    }

    private static func find(_ program: String, _ search: String) throws -> String {
        if program.contains("/") { return program }
        for directory in search.split(separator: ":") {
            let path = "\(directory)/\(program)"
            if unsafe access(path, X_OK) == 0 { return path }
        }
        throw TestServerError(what: "no program '\(program)' in PATH")
    }

    private static func withCStrings<Result>(
        _ strings: [String],
        _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        var pointers = unsafe strings.map { unsafe strdup($0) }
        unsafe pointers.append(nil)
        defer { unsafe pointers.forEach { unsafe free($0) } }
        return unsafe pointers.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { preconditionFailure("an array with elements has an address") }
            return unsafe body(base)
        }
    }
}

/// A file without a name, in memory.
private final class MemoryFile: Sendable {
    /// As much as a test will read of one.
    private static let limit = 16 << 20

    let descriptor: FileDescriptor

    init(_ text: String = "") throws {
        let number = unsafe clinux_memory_file("test")
        guard number >= 0 else { throw Errno(rawValue: errno) }
        descriptor = FileDescriptor(rawValue: number)
        if !text.isEmpty {
            try descriptor.writeAll(Array(text.utf8))
            try descriptor.seek(offset: 0, from: .start)
        }
    }

    deinit { try? descriptor.close() }

    func text() throws -> String {
        var bytes = [UInt8](repeating: 0, count: min(Int(try descriptor.seek(offset: 0, from: .end)), Self.limit))
        let count = try unsafe bytes.withUnsafeMutableBytes {
            try unsafe descriptor.read(fromAbsoluteOffset: 0, into: $0)
        }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }
}

/// Runs something that blocks on a thread of its own, not on the pool that all tests share.
private func onThread(_ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
    let result = unsafe pthread_create(
        &thread,
        nil,
        { box in
            if let box = unsafe box { unsafe Unmanaged<Box>.fromOpaque(box).takeRetainedValue().body() }
            return nil
        },
        box
    )
    precondition(result == 0, "no thread: \(result)")
    pthread_detach(thread)
}
