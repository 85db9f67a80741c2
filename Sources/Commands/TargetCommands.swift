// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Builder
import ClientCommands
import SystemPackage

/// `rootcellar build-dir`.
package struct BuildDirectoryCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "build-dir",
        abstract: "Build a root directory, for pack-lxc and pack-incus",
        discussion: "Items of the definition that name types wait for those."
    )

    @OptionGroup private var options: TargetOptions
    @Argument(help: "The directory to make.") private var directory: String
    @Flag(help: "Run the scripts of post-files as well.") private var withPostFiles = false

    package init() {}

    package func run() throws {
        let image = try options.build(output: directory) { build in
            build.product = .directory
            build.withPostFiles = withPostFiles
        }
        say(image.path.string)
    }
}

/// `rootcellar build-lxc`.
package struct BuildLXCCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "build-lxc",
        abstract: "Build meta.tar.xz and rootfs.tar.* for LXC"
    )

    @OptionGroup private var options: TargetOptions
    @Argument(help: "The directory for the files.") private var output = "."
    @Option(help: "How rootfs.tar is compressed: a method, and -N for its level.") private var compression = "xz"

    package init() {}

    package func run() throws {
        let image = try options.build(output: output) { build in
            build.product = .lxc
            build.compression = try OutputCompression(compression)
        }
        sayFiles(image)
    }
}

/// `rootcellar pack-lxc`.
package struct PackLXCCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "pack-lxc",
        abstract: "Make meta.tar.xz and rootfs.tar.* of a root directory of build-dir"
    )

    @OptionGroup private var options: TargetOptions
    @Argument(help: "The root directory; it is not changed.") private var directory: String
    @Argument(help: "The directory for the files.") private var output = "."
    @Option(help: "How rootfs.tar is compressed: a method, and -N for its level.") private var compression = "xz"

    package init() {}

    package func run() throws {
        let image = try options.build(output: output) { build in
            build.product = .lxc
            build.origin = .directory(FilePath(directory))
            build.compression = try OutputCompression(compression)
        }
        sayFiles(image)
    }
}

/// `rootcellar build-incus`.
package struct BuildIncusCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "build-incus",
        abstract: "Build a container image for Incus and LXD",
        aliases: ["build-lxd"]
    )

    @OptionGroup private var options: TargetOptions
    @OptionGroup private var incus: IncusOptions
    @Argument(help: "The directory for the files.") private var output = "."

    package init() {}

    package func run() throws {
        var add: ((BuiltImage) throws -> Void)?
        let image = try options.build(output: output) { build in
            add = try incus.importer(build.definition)
            build.product = .incus(unified: incus.type == .unified)
            build.compression = try OutputCompression(incus.compression)
        }
        sayFiles(image)
        try add?(image)
    }
}

/// `rootcellar pack-incus`.
package struct PackIncusCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "pack-incus",
        abstract: "Make a container image for Incus and LXD of a root directory of build-dir",
        aliases: ["pack-lxd"]
    )

    @OptionGroup private var options: TargetOptions
    @OptionGroup private var incus: IncusOptions
    @Argument(help: "The root directory; it is not changed.") private var directory: String
    @Argument(help: "The directory for the files.") private var output = "."

    package init() {}

    package func run() throws {
        var add: ((BuiltImage) throws -> Void)?
        let image = try options.build(output: output) { build in
            add = try incus.importer(build.definition)
            build.product = .incus(unified: incus.type == .unified)
            build.origin = .directory(FilePath(directory))
            build.compression = try OutputCompression(incus.compression)
        }
        sayFiles(image)
        try add?(image)
    }
}
