// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
package import Model
package import SystemPackage

/// Runs the scripts of a definition.
package struct ScriptRunner {
    private let sandbox: Sandbox
    private let log: BuildLog
    private let directory: FilePath
    private let environment: [String: String]

    /// - Parameters: directory: where the script's text is put, outside of the root.
    package init(sandbox: Sandbox, log: BuildLog, directory: FilePath, environment: [String: String]) {
        self.sandbox = sandbox
        self.log = log
        self.directory = directory
        self.environment = environment
    }

    /// Runs one script.
    ///
    /// - Parameters:
    ///   - text: the script, beginning with `#!`.
    ///   - trigger: when it runs, for messages.
    ///   - place: where the definition has it.
    /// - Throws: `BUILD` naming trigger, place and exit status, with the last lines it printed, if it fails.
    package func run(_ text: String, trigger: String, place: String) throws(RootcellarError) {
        let path = directory.appending("script")
        try building("write a script", path.string) { () throws(Errno) in
            try writeFile(path, Array(text.utf8), mode: 0o700)
        }
        log.note("script \(trigger) at \(place)")
        let position = log.position()
        let status = try sandbox.run(script: path, environment: environment)
        guard status == 0 else {
            let outcome = status > 128 ? "was ended by signal \(status - 128)" : "ended with status \(status)"
            let output = log.tail(since: position)
            let said = output.isEmpty ? "it printed nothing" : "it printed: \(output.joined(separator: " | "))"
            throw RootcellarError(.build, "a script of \(trigger) \(outcome); \(said)", subject: place)
        }
    }
}
