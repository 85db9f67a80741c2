// SPDX-License-Identifier: Apache-2.0

import Archive
package import ArgumentParser
import Client
import Glibc
import Model

/// Runs a command line to its end and exits with the published status of whatever happened.
package enum CommandLineEntry {
    /// What every program of ours does first: a closed pipe is an error to handle, not the end of the process.
    package static func prepare() {
        ParentProcess.follow()
        signal(SIGPIPE, SIG_IGN)
        // A file must never get the number of a closed standard descriptor: what is said to the user would go into it.
        var descriptor: CInt = 0
        while descriptor >= 0, descriptor <= 2 { descriptor = unsafe open("/dev/null", O_RDWR) }
        if descriptor > 2 { close(descriptor) }
        // Every mode here is meant as it is written, whatever the caller's mask; lxc-create sets the same.
        umask(0o022)
        // The runtime finds the arguments through /proc; without them every command line looks like a call for help.
        if CommandLine.arguments.isEmpty {
            let error = RootcellarError(.policy, "cannot read the command line", hint: "is /proc mounted?")
            tell(error)
            exit(error.errorClass.exitStatus)
        }
    }

    /// Refuses a word where a subcommand is needed, with what may have been meant.
    private static func checkSubcommand(_ root: any ParsableCommand.Type) throws(RootcellarError) {
        var command = root
        for word in CommandLine.arguments.dropFirst() {
            func names(_ command: any ParsableCommand.Type) -> [String] {
                [command._commandName] + command.configuration.aliases
            }
            let commands = command.configuration.subcommands
            let all = commands.flatMap(names) + ["help"]
            guard all.count > 1, !word.hasPrefix("-"), word != "help" else { return }
            guard let next = commands.first(where: { names($0).contains(word) }) else {
                throw RootcellarError(
                    .usage,
                    "unknown command '\(word)'",
                    hint: nearestName(to: word, among: all).map { "did you mean '\($0)'?" } ?? "see --help"
                )
            }
            command = next
        }
    }

    /// For programs whose commands are all synchronous.
    package static func run(_ root: any ParsableCommand.Type) -> Never {
        prepare()
        do {
            try LibraryVersions.check()
            try checkSubcommand(root)
            var command = try root.parseAsRoot()
            try command.run()
            exit(0)
        } catch {
            end(with: error, of: root)
        }
    }

    /// For programs that also have asynchronous commands.
    ///
    /// - Parameter rewritten: puts the arguments into the form that the commands know.
    package static func runAsynchronous(
        _ root: any AsyncParsableCommand.Type,
        rewritten: ([String]) -> [String]
    ) async -> Never {
        prepare()
        do {
            try LibraryVersions.check()
            try checkSubcommand(root)
            var command = try root.parseAsRoot(rewritten(Array(CommandLine.arguments.dropFirst())))
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            exit(0)
        } catch {
            end(with: error, of: root)
        }
    }

    /// Prints an error and exits. Help that was asked for goes to standard output and is no error.
    package static func end(with error: any Error, of root: any ParsableCommand.Type) -> Never {
        if let signal = Interruption.signal {
            tell("rootcellar: interrupted; nothing was changed")
            exit(128 + signal)
        }
        if let error = error as? RootcellarError {
            tell(error)
            exit(error.errorClass.exitStatus)
        }
        if error is CancellationError { exit(128 + SIGTERM) }
        let code = root.exitCode(for: error)
        let message = root.fullMessage(for: error)
        if code == .success {
            say(message)
            exit(0)
        }
        if code == .validationFailure {
            tell(message)
            exit(ErrorClass.usage.exitStatus)
        }
        tell(RootcellarError(.internal, String(describing: error)))
        exit(ErrorClass.internal.exitStatus)
    }
}
