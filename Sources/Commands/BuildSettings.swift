// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Builder
import Client
import Definition
import Glibc
import Model
import SystemPackage

/// What every command that builds can be told.
struct BuildSettings: ParsableArguments {
    @Flag(help: "Build in a user namespace, even as root.") var rootless = false
    @Flag(help: "Build as real root, or not at all.") var root = false
    @Option(help: "How many threads each encoder may use; changes no byte.") var threads: Int?
    @Option(help: "The archive to build from, instead of the configured or the package manager's own.")
    var mirror: String?
    @Option(help: "A file of public keys that vouch for that archive, beside those of the definition.")
    var mirrorKey: String?
    @Option(help: "SOURCE_DATE_EPOCH: seconds of Unix time.") var epoch: Int64?
    @Option(name: [.customShort("t"), .long], help: "After how many seconds the run is given up; 0 for never.")
    var timeout: Int?

    func validate() throws {
        if root, rootless { throw ValidationError("--root and --rootless contradict each other") }
        if let threads, threads < 1 { throw ValidationError("--threads needs a number above 0") }
        if let timeout, timeout < 0 { throw ValidationError("--timeout needs a number of seconds") }
    }

    /// Enters the namespaces of a build by a definition; returns inside of them.
    func enter(_ definition: ResolvedDefinition) throws {
        try RootlessEntry.enter(
            rootless ? .rootless : root ? .root : .automatic,
            architecture: definition.debianArchitecture,
            arguments: CommandLine.arguments
        )
    }

    /// The options of a build by a definition, with what the configuration says.
    func options(
        _ definition: DefinitionOptions,
        _ loaded: (definition: ResolvedDefinition, text: [UInt8]),
        output: String
    ) throws -> BuildOptions {
        let configuration = try Configuration.load(.current())
        var build = BuildOptions(
            definition: loaded.definition,
            definitionText: loaded.text,
            output: FilePath(output)
        )
        build.overrides = definition.overrides
        build.threads = threads ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        build.epoch = (epoch ?? sourceDateEpoch()).map { Timestamp(seconds: $0) }
        let distribution = loaded.definition.definition.image.distribution.lowercased()
        build.mirror = mirror ?? configuration.mirrors[distribution]
        build.mirrorKey = (mirrorKey ?? configuration.mirrorKeys[distribution]).map { FilePath($0) }
        build.proxy = configuration.proxy
        build.certificateAuthorities = configuration.certificateAuthorities
        build.timeLimit = timeout.flatMap { $0 == 0 ? nil : $0 }
        return build
    }

    /// The variable by which reproducible builds are told their date (reproducible-builds.org).
    private func sourceDateEpoch() -> Int64? {
        guard let text = unsafe getenv("SOURCE_DATE_EPOCH") else { return nil }
        return Int64(unsafe String(cString: text))
    }
}
