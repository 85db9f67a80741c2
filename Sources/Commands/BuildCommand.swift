// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Builder
import Client
import ClientCommands
import Definition
import Glibc
import Model
import SystemPackage

/// `rootcellar build`.
package struct BuildCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build an image: everything that a published image has, in one go",
        discussion: "Without root, or with --rootless, the build runs in a user namespace with subordinate ids."
    )

    @OptionGroup private var options: DefinitionOptions
    @Option(help: "The image directory to make.") private var output: String
    @Flag(help: "Build in a user namespace, even as root.") private var rootless = false
    @Flag(help: "Build as real root, or not at all.") private var root = false
    @Option(help: "How many threads each encoder may use; changes no byte.") private var threads: Int?
    @Option(help: "A directory in which packages are kept between builds.") private var cache: String?
    @Option(help: "The archive to build from, instead of the configured or the package manager's own.")
    private var mirror: String?
    @Option(help: "SOURCE_DATE_EPOCH: seconds of Unix time.") private var epoch: Int64?

    package init() {}

    package func validate() throws {
        if root, rootless { throw ValidationError("--root and --rootless contradict each other") }
        if let threads, threads < 1 { throw ValidationError("--threads needs a number above 0") }
    }

    package func run() throws {
        let (definition, text) = try options.load()
        try RootlessEntry.enter(rootless ? .rootless : root ? .root : .automatic, arguments: CommandLine.arguments)
        let configuration = try Configuration.load(.current())
        var build = BuildOptions(definition: definition, definitionText: text, output: FilePath(output))
        build.overrides = options.overrides
        build.threads = threads ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        build.cache = cache.map { FilePath($0) }
        build.epoch = (epoch ?? sourceDateEpoch()).map { Timestamp(seconds: $0) }
        build.mirror = mirror ?? configuration.mirrors[definition.definition.image.distribution.lowercased()]
        build.proxy = configuration.proxy
        let image = try ImageBuilder(options: build, progress: tell).build()
        say(image.path.string)
    }

    /// The variable by which reproducible builds are told their date (reproducible-builds.org).
    private func sourceDateEpoch() -> Int64? {
        guard let text = unsafe getenv("SOURCE_DATE_EPOCH") else { return nil }
        return Int64(unsafe String(cString: text))
    }
}
