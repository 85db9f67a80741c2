// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model
package import SystemPackage

/// Runs programs of the image inside it: in namespaces of their own, by the program `rootcellar-sandbox`.
///
/// When this process ends in whatever way, a pipe breaks and everything in the sandbox is killed.
package struct Sandbox: Sendable {
    /// The word that tools write into `/etc/hosts` and elsewhere as the host's name while an image is built, and that
    /// the generator `hosts` replaces. Existing definitions count on this very word.
    package static let hostname = "distrobuilder"

    /// The program `rootcellar-sandbox`.
    package var program: FilePath
    /// The root.
    package var root: FilePath
    /// Takes what is printed.
    package var output: FileDescriptor
    /// Whether the kernel shall say that it is one of 32 bits.
    package var has32Bits: Bool
    /// Directories of the host, and where they are shown.
    package var binds: [(source: FilePath, target: String)]

    /// A sandbox around `root`.
    package init(
        program: FilePath,
        root: FilePath,
        output: FileDescriptor,
        has32Bits: Bool = false,
        binds: [(source: FilePath, target: String)] = []
    ) {
        self.program = program
        self.root = root
        self.output = output
        self.has32Bits = has32Bits
        self.binds = binds
    }

    private func options(_ environment: [String: String]) -> [String] {
        var options = ["run", "--root", root.string, "--hostname", Self.hostname, "--lifeline"]
        if has32Bits { options.append("--32-bits") }
        for (source, target) in binds { options += ["--bind", source.string, target] }
        if HostResolver.exists { options += ["--resolver", HostResolver.path] }
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            options += ["--setenv", "\(name)=\(value)"]
        }
        return options
    }

    /// Runs a program of the image and returns its exit status.
    ///
    /// - Throws: `BUILD` if it cannot be started at all.
    package func run(_ command: [String], environment: [String: String]) throws(RootcellarError) -> Int {
        try withLifeline { (input) throws(RootcellarError) in
            try HostProgram.run(
                program,
                options(environment) + ["--"] + command,
                environment: [:],
                output: output,
                input: input
            )
        }
    }

    /// Runs a script, which lies in a file of the host, and returns its exit status.
    ///
    /// - Throws: `BUILD` if it cannot be started at all.
    package func run(script: FilePath, environment: [String: String]) throws(RootcellarError) -> Int {
        try withLifeline { (input) throws(RootcellarError) in
            try HostProgram.run(
                program,
                options(environment) + ["--script", script.string],
                environment: [:],
                output: output,
                input: input
            )
        }
    }

    /// Runs a program of the image and returns what it printed on standard output; nil if it failed.
    package func capture(_ command: [String], environment: [String: String]) throws(RootcellarError) -> [UInt8]? {
        try withLifeline { (input) throws(RootcellarError) in
            HostProgram.capture(
                program,
                options(environment) + ["--"] + command,
                environment: [:],
                errors: output,
                input: input
            )
        }
    }

    private func withLifeline<Result>(
        _ body: (FileDescriptor) throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        let pipe = try building("make a pipe", "") { () throws(Errno) in try makePipe() }
        defer {
            pipe.reading.closeQuietly()
            pipe.writing.closeQuietly()
        }
        return try body(pipe.reading)
    }
}

/// The host's name servers, which scripts of an image see as theirs.
private enum HostResolver {
    static let path = "/etc/resolv.conf"

    static var exists: Bool {
        guard let file = try? openPath(FilePath(path), .readOnly) else { return false }
        file.closeQuietly()
        return true
    }
}
