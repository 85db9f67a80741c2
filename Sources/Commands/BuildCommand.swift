// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Builder
import ClientCommands
import SystemPackage

/// `rootcellar build`.
package struct BuildCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build an image: everything that a published image has, in one go",
        discussion: "Without root, or with --rootless, the build runs in a user namespace with subordinate ids."
    )

    @OptionGroup private var options: DefinitionOptions
    @OptionGroup private var settings: BuildSettings
    @Option(help: "The image directory to make.") private var output: String
    @OptionGroup private var cache: BuildCacheOptions
    @Flag(help: "Build although the image that is there was made of the same.") private var force = false

    package init() {}

    package func run() throws {
        let loaded = try options.load()
        try settings.enter(loaded.definition)
        var build = try settings.options(options, loaded, output: output)
        build.cache = try cache.open()
        build.isForced = force
        let image = try ImageBuilder(options: build, progress: tell).build()
        say(image.path.string)
    }
}
