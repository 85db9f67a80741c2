// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Builder
import ClientCommands
import Definition
import Model
import SystemPackage

/// The options that the verbs of distrobuilder share, under the names that its users know.
struct TargetOptions: ParsableArguments {
    @OptionGroup var definition: DefinitionOptions
    @OptionGroup var settings: BuildSettings
    @Option(
        help: "The directory in which packages and first roots are kept between runs; nothing else in it is touched."
    )
    var cacheDir: String?
    @Flag(help: "Taken and without meaning: the log always says everything.") var debug = false
    @Flag(inversion: .prefixedNo, help: "Taken and without meaning: what is temporary is always removed.")
    var cleanup = true
    @Flag(help: "Taken and without meaning: the root directory is always copied.") var disableOverlay = false
    @Option(help: "Taken and without meaning: downloads are verified anew in every run.") var sourcesDir: String?
    @Flag(inversion: .prefixedNo, help: "Taken and without meaning, as --sources-dir.") var keepSources = true

    /// Builds by these options and the changes of the command.
    func build(output: String, _ change: (inout BuildOptions) throws -> Void) throws -> BuiltImage {
        let loaded = try definition.load()
        try settings.enter(loaded.definition)
        var build = try settings.options(definition, loaded, output: output)
        build.cache = try cacheDir.map { try BuildCache(FilePath($0)) } ?? BuildCacheOptions.usual()
        try change(&build)
        return try ImageBuilder(options: build, progress: tell).build()
    }
}

/// Prints the paths of the files that were made.
func sayFiles(_ image: BuiltImage) {
    for file in image.files { say(image.path.appending(file).string) }
}

/// How the files of an Incus image are cut.
enum ImageSplit: String, ExpressibleByArgument, CaseIterable {
    /// Metadata and a squashfs image.
    case split
    /// One tarball with both.
    case unified
}

/// The options of images for Incus and LXD.
struct IncusOptions: ParsableArguments {
    @Option(help: "Two files, or one tarball with both: split or unified.") var type: ImageSplit = .split
    @Option(help: "How tars and the squashfs image are compressed: a method, and -N for its level.")
    var compression = "xz"
    @Flag(help: "A virtual machine; not built.") var vm = false
    @Option(
        name: [.customLong("import-into-incus"), .customLong("import-into-lxd")],
        help: "Put the image into the local Incus or LXD, under this alias, a template; - for none."
    )
    var alias: String?

    /// What stands for no alias, as in distrobuilder: the parser of arguments takes no empty value.
    static let noAlias = "-"

    /// Finds the daemon and the alias before anything is built; nil if nothing is imported.
    func importer(_ definition: ResolvedDefinition) throws -> ((BuiltImage) throws -> Void)? {
        guard let alias else { return nil }
        let place = SourcePosition(file: "--import-into-incus", line: 1, column: 1)
        let name = alias == Self.noAlias ? "" : try definition.render(SourceText(alias, at: place))
        // The verbs and options of LXD's image builder mean LXD where both are there.
        let prefersLXD = CommandLine.arguments.dropFirst().contains { word in
            ["build-lxd", "pack-lxd"].contains(word) || word.hasPrefix("--import-into-lxd")
        }
        let store = try LocalImageStore(prefersLXD: prefersLXD)
        return { try store.add($0, alias: name, description: definition.description) }
    }

    func validate() throws {
        if vm { throw ValidationError("virtual machines are not built; leave --vm out for a container image") }
        do {
            _ = try OutputCompression(compression)
        } catch {
            throw ValidationError("\(error.reason)\(error.hint.map { "; \($0)" } ?? "")")
        }
    }
}
