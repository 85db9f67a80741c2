// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
package import SystemPackage

/// A program started with an argument array, an environment of its own and exactly the descriptors it needs.
package struct ChildProcess: Sendable {
    private let id: pid_t

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - path: the program's file; PATH is not searched.
    ///   - arguments: without the program's own name.
    ///   - environment: all of it.
    ///   - descriptors: become the child's 0, 1, 2, …; it has no others.
    package init(
        _ path: FilePath,
        _ arguments: [String],
        environment: [String: String] = [:],
        descriptors: [FileDescriptor]
    ) throws(Errno) {
        let words = [path.lastComponent?.string ?? path.string] + arguments
        let variables = environment.map { "\($0.key)=\($0.value)" }.sorted()
        var process: pid_t = 0
        let result = unsafe path.withPlatformString { path in
            unsafe withCStrings(words) { words in
                unsafe withCStrings(variables) { variables in
                    let raw = descriptors.map(\.rawValue)
                    return unsafe clinux_spawn(path, words, variables, raw, CInt(raw.count), &process)
                }
            }
        }
        if result != 0 { throw Errno(rawValue: result) }
        id = process
    }

    /// Waits for the end. Must be called exactly once.
    ///
    /// - Returns: the exit status, or 128 and the number of the signal that ended it.
    package func wait() throws(Errno) -> Int {
        var status: CInt = 0
        let result = unsafe clinux_wait(id, &status)
        if result != 0 { throw Errno(rawValue: result) }
        return Int(status)
    }

    /// Looks whether it has ended. Counts as `wait` once it says so.
    ///
    /// - Returns: as `wait`; nil while the process runs.
    package func status() throws(Errno) -> Int? {
        var status: CInt = 0
        let result = unsafe clinux_wait_now(id, &status)
        if result == EAGAIN { return nil }
        if result != 0 { throw Errno(rawValue: result) }
        return Int(status)
    }

    /// Sends a signal; a process that has ended but was not waited for takes it without effect.
    package func signal(_ number: CInt) { kill(id, number) }
}

/// Calls `body` with a NULL-terminated array of C strings.
private func withCStrings<Result>(
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

/// Makes a pipe whose ends close on exec.
package func makePipe() throws(Errno) -> (reading: FileDescriptor, writing: FileDescriptor) {
    var ends: [CInt] = [0, 0]
    _ = try retrying { unsafe clinux_pipe(&ends) }
    return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
}
