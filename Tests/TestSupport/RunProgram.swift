// SPDX-License-Identifier: Apache-2.0

import Subprocess
package import SystemPackage

/// What a program that has ended left behind.
package struct ProgramResult: Sendable {
    /// The exit status, or 128 and the signal's number.
    package var status: Int
    package var output: String
    package var errors: String
}

/// Runs a real program to its end.
///
/// - Parameters:
///   - program: a name looked up in PATH, or an absolute path.
///   - environment: added to (or replacing) variables of this process.
///   - input: what the program reads on standard input; nothing by default.
package func runProgram(
    _ program: String,
    _ arguments: [String],
    environment: [String: String] = [:],
    directory: FilePath? = nil,
    input: String = ""
) async throws -> ProgramResult {
    let executable: Executable = program.hasPrefix("/") ? .path(FilePath(program)) : .name(program)
    let result = try await run(
        executable,
        arguments: Arguments(arguments),
        environment: .inherit.updating(
            Dictionary(uniqueKeysWithValues: environment.map { (Environment.Key(rawValue: $0.key) ?? "_", $0.value) })
        ),
        workingDirectory: directory,
        input: .string(input),
        output: .string(limit: 16 << 20),
        error: .string(limit: 16 << 20)
    )
    let status =
        switch result.terminationStatus {
        case .exited(let code): Int(code)
        case .signaled(let signal): 128 + Int(signal)
        }
    return ProgramResult(
        status: status,
        output: result.standardOutput,
        errors: result.standardError
    )
}
