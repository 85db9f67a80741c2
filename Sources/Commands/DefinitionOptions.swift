// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Builder
import ClientCommands
import Definition
import Model
import SystemPackage

/// The definition that a command works on, and what is overridden in it.
struct DefinitionOptions: ParsableArguments {
    @Argument(help: "An image definition in YAML, or - for standard input.") var definition: String
    @Option(
        name: [.customShort("o"), .customLong("options")],
        parsing: .singleValue,
        help: "Override a value of the definition: key=value; may be given several times."
    )
    var overrides: [String] = []

    /// Reads and checks the definition; its warnings go to standard error.
    func load() throws(RootcellarError) -> (definition: ResolvedDefinition, text: [UInt8]) {
        let path = definition == "-" ? "stdin" : definition
        let text = try read()
        guard let string = String(validating: text, as: UTF8.self) else {
            throw RootcellarError(.definition, "not UTF-8", subject: path)
        }
        let loaded = try DefinitionFile.load(
            text: string,
            path: path,
            overrides: overrides,
            hostArchitecture: hostArchitecture(),
            now: currentTime()
        )
        // A build reads it again in its namespaces.
        if !RootlessEntry.isInside { for warning in loaded.warnings { tell("rootcellar: warning: \(warning)") } }
        return (loaded.definition, text)
    }

    private func read() throws(RootcellarError) -> [UInt8] {
        let most = 1 << 20
        do {
            let file =
                definition == "-"
                ? FileDescriptor.standardInput
                : try .open(FilePath(definition), .readOnly, options: [.closeOnExec])
            defer { if definition != "-" { try? file.close() } }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 64 << 10)
            while bytes.count <= most {
                let count = try unsafe buffer.withUnsafeMutableBytes { unsafe try file.read(into: $0) }
                if count == 0 { break }
                bytes += buffer.prefix(count)
            }
            if definition == "-" { try RootlessEntry.keepInput(bytes) }
            return bytes
        } catch {
            throw RootcellarError(.definition, "cannot read: \(error)", subject: definition)
        }
    }
}
