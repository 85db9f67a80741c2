// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Builder
import ClientCommands
import Definition
import Model
import SystemPackage

/// `rootcellar rebuild`.
package struct RebuildCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "rebuild",
        abstract: "Build an image again from what its image.json says, and compare",
        discussion: """
            Prints one line for each difference, of files and of members of the root; nothing if every file but the log is \
            the same. An archive that has moved on since is the usual reason for differences; it is named.
            """
    )

    @Argument(help: "The image directory.") private var image: String
    @Option(help: "Where to put the new image directory; without it, the new one is removed.") private var output:
        String?
    @Option(help: "A directory in which packages and first roots are kept; none is used without.") private var cache:
        String?
    @OptionGroup private var settings: BuildSettings

    package init() {}

    package func run() throws {
        let old = FilePath(image)
        let recipe = try Recipe(of: old)
        let options = try DefinitionOptions.parse(
            [old.appending("image.yaml").string] + recipe.overrides.flatMap { ["-o", $0] }
        )
        let loaded = try options.load()
        try settings.enter(loaded.definition)
        let place = output ?? "\(old.string).rebuilt"
        var build = try settings.options(options, loaded, output: place)
        build.overrides = recipe.recordedOverrides
        build.cache = try cache.map { try BuildCache(FilePath($0)) }
        build.epoch = recipe.epoch
        build.isForced = true
        let new = try ImageBuilder(options: build, progress: tell).build()
        defer { if output == nil { try? removeImageDirectory(new.path) } }
        let comparison = try ImageComparison(old: old, new: new.path)
        for line in comparison.lines { say(line) }
        guard comparison.isSame else {
            throw RootcellarError(.build, "the image could not be reproduced", subject: image)
        }
        tell("every file is the same")
    }
}
