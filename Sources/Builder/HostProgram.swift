// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
package import SystemPackage

/// Programs of the host, found in the system's own directories and started with an environment made for them.
package enum HostProgram {
    private static let directories = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"]
    /// PATH as programs of the host see it.
    static let searchPath = directories.joined(separator: ":")

    /// Where a program is; nil if it is not installed.
    package static func find(_ name: String) -> FilePath? {
        for directory in directories {
            let path = FilePath("\(directory)/\(name)")
            if let file = try? openPath(path, .readOnly) {
                file.closeQuietly()
                return path
            }
        }
        return nil
    }

    /// The place of a program that a build cannot do without.
    ///
    /// - Throws: `POLICY` naming the package to install.
    static func require(_ name: String, package: String) throws(RootcellarError) -> FilePath {
        guard let path = find(name) else {
            throw RootcellarError(
                .policy,
                "the program is not installed",
                subject: name,
                hint: "install the package '\(package)'"
            )
        }
        return path
    }

    /// Runs a program to its end with standard input empty.
    ///
    /// - Parameters: output: takes what it prints, errors included.
    /// - Returns: the exit status, or 128 and the signal's number.
    static func run(
        _ program: FilePath,
        _ arguments: [String],
        environment: [String: String],
        output: FileDescriptor,
        input: FileDescriptor? = nil
    ) throws(RootcellarError) -> Int {
        try building("run", program.string) { () throws(Errno) in
            let null = try openPath("/dev/null", .readOnly)
            defer { null.closeQuietly() }
            let child = try ChildProcess(
                program,
                arguments,
                environment: environment,
                descriptors: [input ?? null, output, output]
            )
            return try child.wait()
        }
    }

    /// Runs a program to its end and returns what it printed on standard output; nil if it failed.
    ///
    /// - Parameters: errors: takes what it prints on standard error.
    static func capture(
        _ program: FilePath,
        _ arguments: [String],
        environment: [String: String],
        errors: FileDescriptor? = nil,
        input: FileDescriptor? = nil,
        limit: Int = 16 << 20
    ) -> [UInt8]? {
        do throws(Errno) {
            let null = try openPath("/dev/null", .readWrite)
            defer { null.closeQuietly() }
            let pipe = try makePipe()
            defer { pipe.reading.closeQuietly() }
            let child: ChildProcess
            do throws(Errno) {
                child = try ChildProcess(
                    program,
                    arguments,
                    environment: environment,
                    descriptors: [input ?? null, pipe.writing, errors ?? null]
                )
            } catch {
                pipe.writing.closeQuietly()
                throw error
            }
            pipe.writing.closeQuietly()
            let bytes = try? readAll(pipe.reading, limit: limit)
            if bytes == nil { child.signal(9) }
            return try child.wait() == 0 ? bytes : nil
        } catch {
            return nil
        }
    }
}
