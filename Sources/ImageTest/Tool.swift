// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// Runs programs of the machine, each for a limited time, with everything that they print in the trial's log.
struct Tool {
    /// A directory for what they print.
    let scratch: FilePath
    /// All that they see of an environment.
    var environment: [String: String]
    let log: FileDescriptor

    /// What a program said.
    struct Result {
        let status: Int
        let output: String
        let errors: String

        /// The last line that says something, the errors' before the output's.
        var lastWord: String {
            for text in [errors, output] {
                let lines = text.split(whereSeparator: \.isNewline).filter { $0.contains { !$0.isWhitespace } }
                if let last = lines.last { return String(last) }
            }
            return "no message"
        }
    }

    /// The most bytes that are read of what a program, or something in a container, prints.
    private static let limit = 256 << 10

    /// The environment that every program gets, and its own variables.
    static func environment(home: FilePath, _ more: [String: String] = [:]) -> [String: String] {
        [
            "HOME": home.string, "LC_ALL": "C.UTF-8",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": home.string,
        ].merging(more) { $1 }
    }

    /// Runs a program to its end.
    ///
    /// What it prints goes into files, not through a pipe: whoever inherited a pipe, a daemon for one, would keep its
    /// reader waiting for ever.
    ///
    /// - Parameter seconds: when it is killed, with what it started (timeout(1)).
    func run(_ program: FilePath, _ arguments: [String], seconds: Int) throws(CheckFault) -> Result {
        guard let limiter = findProgram("timeout") else { throw .failed("timeout(1) is not installed") }
        let place = scratch.appending("said-\(String(UInt64.random(in: .min ... .max), radix: 36))")
        let errorPlace = FilePath(place.string + ".errors")
        defer {
            removeFile(place)
            removeFile(errorPlace)
        }
        let words = arguments.map { $0.contains("\n") ? "(a text)" : $0 }
        line("+ \(program.lastComponent?.string ?? "") \(words.joined(separator: " "))")
        let status = try finding("run \(program)") { () throws(Errno) in
            let null = try openPath("/dev/null", .readOnly)
            defer { null.closeQuietly() }
            let output = try openPath(place, .writeOnly, [.create, .append])
            defer { output.closeQuietly() }
            let errors = try openPath(errorPlace, .writeOnly, [.create, .append])
            defer { errors.closeQuietly() }
            let child = try ChildProcess(
                limiter,
                ["--kill-after=3", "\(max(1, seconds))", program.string] + arguments,
                environment: environment,
                descriptors: [null, output, errors]
            )
            return try child.wait()
        }
        let result = Result(status: status, output: Self.text(place), errors: Self.text(errorPlace))
        for text in [result.output, result.errors] where !text.isEmpty { line(text) }
        guard status != 124, status != 137 else {
            throw .failed("\(program.lastComponent?.string ?? "") did not end within \(seconds) s")
        }
        return result
    }

    /// Runs a program that has to succeed.
    ///
    /// - Returns: what it printed on standard output.
    @discardableResult
    func need(_ program: FilePath, _ arguments: [String], seconds: Int) throws(CheckFault) -> String {
        let result = try run(program, arguments, seconds: seconds)
        guard result.status == 0 else {
            throw .failed("\(program.lastComponent?.string ?? "") ended with \(result.status): \(result.lastWord)")
        }
        return result.output
    }

    /// Starts a program that goes on until it is killed with the namespace that it is in.
    func start(_ program: FilePath, _ arguments: [String], log path: FilePath) throws(CheckFault) {
        _ = try finding("start \(program)") { () throws(Errno) in
            let null = try openPath("/dev/null", .readOnly)
            defer { null.closeQuietly() }
            let output = try openPath(path, .writeOnly, [.create, .append])
            defer { output.closeQuietly() }
            return try ChildProcess(
                program,
                arguments,
                environment: environment,
                descriptors: [null, output, output]
            )
        }
    }

    private func line(_ text: String) {
        let bytes = Array((text.utf8.last == 0x0A ? text : text + "\n").utf8)
        unsafe try? writeAll(log, bytes.span.bytes)
    }

    /// The beginning of a file as text.
    static func text(_ path: FilePath) -> String {
        String(decoding: (try? readStart(path, count: limit)) ?? [], as: UTF8.self)
    }
}
