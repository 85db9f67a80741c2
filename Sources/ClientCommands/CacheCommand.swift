// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Client
import Model
import SystemPackage

/// `rootcellar cache`: what is kept of images, and how much of it.
package struct CacheCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "List, check and tidy the cache",
        subcommands: [
            CacheListCommand.self, CacheVerifyCommand.self, CachePruneCommand.self, CachePinCommand.self,
            CacheUnpinCommand.self,
        ]
    )

    package init() {}
}

/// `cache list`.
struct CacheListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the images in the cache")

    @Flag(help: "Print JSON.") private var json = false

    private struct Row: Encodable {
        var image: String
        var serial: String
        var server: String
        var size: Int
        var age: Int64
        var lastUsed: String
        var pinned: Bool
        var current: Bool
    }

    private struct Output: Encodable {
        var format = documentFormat
        var directory: String
        var images: [Row]
        /// Bytes of all objects, each counted once.
        var size: Int
    }

    func run() throws {
        let context = try ClientContext()
        let inventory = try CacheInventory(context.layout)
        let now = context.surroundings.now
        let rows = inventory.builds.map { build in
            Row(
                image: build.name.path,
                serial: build.record.serial.description,
                server: build.record.server,
                size: build.size,
                age: max(0, now.seconds - build.record.serial.time.seconds),
                lastUsed: build.lastUsed.description,
                pinned: build.isPinned,
                current: build.isCurrent
            )
        }
        if json {
            let size = inventory.objects.values.reduce(0) { $0 + $1.size }
            return try sayJSON(Output(directory: context.layout.root.string, images: rows, size: size))
        }
        guard !rows.isEmpty else { return tell("rootcellar: nothing is in \(context.layout.root)") }
        let cells = rows.map { row in
            [
                row.image, row.serial, byteCount(row.size), "\(row.age / 86400) d", row.lastUsed,
                row.pinned ? (row.current ? "pinned" : "pinned, older") : "-",
            ]
        }
        say(table([["IMAGE", "BUILD", "SIZE", "AGE", "LAST USED", "KEPT"]] + cells))
    }
}

/// `cache verify`.
struct CacheVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read everything in the cache and compare it with its hash",
        discussion: "Exit status 19 if something is damaged, unless --repair removed it."
    )

    @Flag(help: "Remove what is damaged; it is fetched again when it is needed.") private var repair = false

    func run() throws {
        let context = try ClientContext()
        let result = try CacheMaintenance(context.layout, now: context.surroundings.now).verify(repair: repair)
        for fault in result.faults { say("\(fault.path): \(fault.why)\(fault.isRemoved ? " (removed)" : "")") }
        let left = result.faults.filter { !$0.isRemoved }
        guard let first = left.first else { return tell("rootcellar: \(result.checked) files are in order") }
        throw RootcellarError(
            .cache,
            "\(left.count) of \(result.checked) files are damaged, the first because: \(first.why)",
            subject: first.path.string,
            hint: repair ? "remove it by hand if that is what you want" : "--repair removes them"
        )
    }
}

/// `cache prune`.
struct CachePruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove what is not needed from the cache",
        discussion: """
            Without options: what nothing refers to, and what killed processes left. Pinned builds and what is in use always
            stay.
            """
    )

    @Option(help: "Also remove builds that were not used for so many days.") private var olderThan: Int?
    @Option(help: "Also remove the longest unused builds until all is at most this: 500M, 20G, bytes.")
    private var maxSize: ByteCount?
    @Flag(help: "Only say what would be removed.") private var dryRun = false

    func run() throws {
        let context = try ClientContext()
        if let olderThan, olderThan < 0 || olderThan > 100_000 {
            throw RootcellarError(.usage, "--older-than needs a number of days")
        }
        let removals = try CacheMaintenance(context.layout, now: context.surroundings.now).prune(
            unusedFor: olderThan.map { Int64($0) * 86400 },
            limit: maxSize?.bytes,
            dryRun: dryRun
        )
        for removal in removals { say("\(removal.what) \(byteCount(removal.size))") }
        let size = removals.reduce(0) { $0 + $1.size }
        tell("rootcellar: \(dryRun ? "would free" : "freed") \(byteCount(size))")
    }
}

/// `cache pin`.
struct CachePinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pin",
        abstract: "Keep the build of an image that is in the cache"
    )

    @Argument(help: "DISTRIBUTION/RELEASE/ARCHITECTURE[/VARIANT]") private var image: String

    func run() throws {
        let context = try ClientContext()
        let name = try ImageName(path: image)
        let serial = try CacheMaintenance(context.layout, now: context.surroundings.now).pin(name)
        tell("rootcellar: the build \(serial) of \(name.path) is kept")
    }
}

/// `cache unpin`.
struct CacheUnpinCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "unpin", abstract: "Let a kept build go again")

    @Argument(help: "DISTRIBUTION/RELEASE/ARCHITECTURE[/VARIANT]") private var image: String

    func run() throws {
        let context = try ClientContext()
        let name = try ImageName(path: image)
        try CacheMaintenance(context.layout, now: context.surroundings.now).unpin(name)
        tell("rootcellar: \(name.path) is not kept any longer")
    }
}
