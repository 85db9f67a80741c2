// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Builder
import ClientCommands
import Model
import SystemPackage

/// `rootcellar build-cache`: what is kept between builds, and how much of it.
package struct BuildCacheCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "build-cache",
        abstract: "List, check and tidy what is kept between builds",
        subcommands: [List.self, Verify.self, Prune.self]
    )

    package init() {}

    /// Which cache.
    struct Place: ParsableArguments {
        @Option(help: "The directory of the cache, if it is not the usual one.") var cache: String?

        func open() throws(RootcellarError) -> BuildCache {
            guard let path = cache.map({ FilePath($0) }) ?? BuildCache.standardPath() else {
                throw RootcellarError(.usage, "there is no usual place: HOME is not set", hint: "name it with --cache")
            }
            return try BuildCache(path)
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what is kept, what was used last first")

        @OptionGroup private var place: Place
        @Flag(help: "Print JSON.") private var json = false

        private struct Row: Encodable {
            var kind: String
            var key: String
            var size: Int
            var lastUsed: String

            init(_ entry: BuildCache.Entry) {
                kind = entry.kind.rawValue
                key = entry.key
                size = entry.size
                lastUsed = entry.lastUsed.description
            }
        }

        private struct Output: Encodable {
            var format = documentFormat
            var directory: String
            var entries: [Row]
            var size: Int
        }

        func run() throws {
            let cache = try place.open()
            let entries = try cache.entries()
            let size = entries.reduce(0) { $0 + $1.size }
            if json {
                return try sayJSON(Output(directory: cache.path.string, entries: entries.map(Row.init), size: size))
            }
            guard !entries.isEmpty else { return tell("rootcellar: nothing is in \(cache.path)") }
            let cells = entries.map { entry in
                [entry.kind.rawValue, byteCount(entry.size), entry.lastUsed.description, entry.key]
            }
            say(table([["KIND", "SIZE", "LAST USED", "HASH"]] + cells))
            tell("rootcellar: \(byteCount(size)) in \(cache.path)")
        }
    }

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Read everything that is kept and compare it with its hash",
            discussion: "Exit status 19 if something is damaged, unless --repair removed it."
        )

        @OptionGroup private var place: Place
        @Flag(help: "Remove what is damaged; a build gets it anew.") private var repair = false

        func run() throws {
            let cache = try place.open()
            let result = try cache.verify(repair: repair)
            for entry in result.damaged { say("\(entry.kind.rawValue) \(entry.key)\(repair ? " (removed)" : "")") }
            guard let first = result.damaged.first, !repair else {
                return tell("rootcellar: \(result.checked - result.damaged.count) files are in order")
            }
            throw RootcellarError(
                .cache,
                "\(result.damaged.count) of \(result.checked) files are damaged, the first is the \(first.kind.rawValue)",
                subject: first.key,
                hint: "--repair removes them"
            )
        }
    }

    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove what was not used for the longest time",
            discussion: "Every build does the same with 10G. Without options that limit counts here too."
        )

        @OptionGroup private var place: Place
        @Option(help: "Remove what was not used for so many days.") private var olderThan: Int?
        @Option(help: "Remove until all is at most this: 500M, 20G, bytes.") private var maxSize: ByteCount?
        @Flag(help: "Only say what would be removed.") private var dryRun = false

        func validate() throws {
            if let olderThan, !(0...100_000).contains(olderThan) {
                throw ValidationError("--older-than needs a number of days")
            }
        }

        func run() throws {
            let removed = try place.open().prune(
                unusedFor: olderThan.map { Int64($0) * 86400 },
                limit: maxSize?.bytes ?? BuildCache.standardLimit,
                now: currentTime(),
                dryRun: dryRun
            )
            for entry in removed { say("\(entry.kind.rawValue) \(entry.key) \(byteCount(entry.size))") }
            let size = removed.reduce(0) { $0 + $1.size }
            tell("rootcellar: \(dryRun ? "would free" : "freed") \(byteCount(size))")
        }
    }
}
