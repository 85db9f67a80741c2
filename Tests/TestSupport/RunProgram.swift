// SPDX-License-Identifier: Apache-2.0

package import SystemPackage

/// What a program that has ended left behind.
package struct ProgramResult: Sendable {
    /// The exit status, or 128 and the signal's number.
    package var status: Int
    package var output: String
    package var errors: String
}

/// Runs a real program to its end; where the task is cancelled, the program is killed.
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
    let started =
        if let directory {
            // posix_spawn(3) itself cannot change the directory everywhere; env(1) can.
            try StartedProgram("env", ["-C", directory.string, program] + arguments, environment, input: input)
        } else {
            try StartedProgram(program, arguments, environment, input: input)
        }
    return try await withTaskCancellationHandler {
        try await started.result()
    } onCancel: {
        started.kill()
    }
}

/// Runs a program beside `body` and ends it afterwards, by SIGTERM.
///
/// - Returns: what `body` returns.
package func withProgram<Result>(
    _ program: String,
    _ arguments: [String],
    _ body: () async throws -> Result
) async throws -> Result {
    let started = try StartedProgram(program, arguments)
    do {
        let result = try await body()
        started.terminate()
        _ = try await started.result()
        return result
    } catch {
        started.kill()
        _ = try? await started.result()
        throw error
    }
}
