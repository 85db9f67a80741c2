// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ClientCommands
import Model
import Pages
import Repository
import SystemPackage

extension RepoCommand {
    /// `repo mirror`.
    struct Mirror: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep a verified copy of another tree, or a part of one signed anew",
            discussion: """
                The source is https://HOST[:PORT][/PREFIX] or a directory. It is believed as a client believes it: by the \
                fingerprint of a root key. Without --keys the copy is the whole tree with its own signatures. With --keys \
                images go into a tree of one's own, made by 'repo init', and can be chosen. With --simplestreams the source is any \
                server for LXD and Incus, and every file is checked by the hash in its catalogue, which is believed \
                because the connection is. A run that is killed is continued by the next, and only what is new is \
                transferred.
                """
        )

        @Argument(help: "Where the tree is.") private var source: String
        @Option(help: "The directory of the copy.") private var repo: String
        @Option(help: "The fingerprint of its root key.") private var fingerprint: String?
        @Flag(help: "Copy what LXD and Incus read of any server.") private var simplestreams = false
        @OptionGroup private var access: SourceAccess
        @Option(help: "Sign the copy with these keys.") private var keys: String?
        @OptionGroup private var passphrase: PassphraseOptions
        @Option(help: "Only this distribution; may be repeated.") private var distribution: [String] = []
        @Option(help: "Only this release; may be repeated.") private var release: [String] = []
        @Option(help: "Only this architecture; may be repeated.") private var architecture: [String] = []
        @Option(help: "Only this variant; may be repeated.") private var variant: [String] = []
        @Option(help: "How many of the newest builds of an image.") private var serials: Int?
        @Flag(help: "With --keys: also builds that have a source which nobody verified.") private var allowTainted =
            false
        @Flag(help: "With --keys: call builds tested that the other publisher calls so.") private var acceptTests =
            false
        @Flag(help: "Say nothing about progress.") private var quiet = false
        @Flag(help: "Print JSON.") private var json = false

        func validate() throws {
            guard serials ?? 1 >= 1 else { throw ValidationError("at least one build of an image") }
            guard simplestreams != (fingerprint != nil), !simplestreams || keys == nil else {
                throw ValidationError("give --fingerprint for a signed tree, or --simplestreams for another server")
            }
            guard keys != nil || !(acceptTests || allowTainted) else {
                throw ValidationError("--accept-tests and --allow-tainted belong to --keys")
            }
        }

        func run() throws {
            var filter = MirrorFilter()
            filter.distributions = Set(distribution)
            filter.releases = Set(release)
            filter.architectures = Set(architecture)
            filter.variants = Set(variant)
            filter.serials = serials
            let from = try access.source(source)
            guard let fingerprint else {
                var mirror = try StreamsMirror(source: from, tree: localTree(repo), now: currentTime())
                if !quiet { mirror.narrate = { tell("rootcellar: \($0)") } }
                let report = try mirror.run(filter)
                if json { return try sayJSON(report) }
                for path in report.added { say("added \(path)") }
                for path in report.removed { say("removed \(path)") }
                return say("\(report.server): \(report.transferred) bytes transferred")
            }
            guard keys != nil || filter.isEmpty else {
                throw RootcellarError(
                    .usage,
                    "a part of a tree has to be signed anew, because its index names everything",
                    hint: "give --keys DIR and a tree made by 'rootcellar repo init'"
                )
            }
            var mirror = TreeMirror(
                source: from,
                tree: try localTree(repo),
                fingerprint: try Fingerprint(fingerprint),
                now: currentTime()
            )
            if !quiet { mirror.narrate = { tell("rootcellar: \($0)") } }
            let report: MirrorReport
            if let keys {
                var store = try KeyStore.open(directory: FilePath(keys))
                store.unlock = try passphrase.unlock()
                var publisher = try makePublisher(tree: localTree(repo).string, nil, keys: store)
                publisher.allowsTaints = allowTainted
                publisher.deltas = 0
                mirror.acceptsTests = acceptTests
                report = try mirror.run(filter, publishing: publisher)
            } else {
                mirror.pages = try PageSet()
                report = try mirror.run()
            }
            try Self.print(report, json)
        }

        static func print(_ report: MirrorReport, _ json: Bool) throws(RootcellarError) {
            warnOfPages(report.pagesFault)
            if json { return try sayJSON(report) }
            for path in report.added { say("added \(path)") }
            for path in report.removed { say("removed \(path)") }
            say(
                "'\(report.server)' manifest \(report.source): manifest \(report.manifest) here, valid until"
                    + " \(report.validUntil); \(report.transferred) bytes transferred"
            )
        }
    }

    /// `repo export`.
    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a tree, or what is new in it, into one file for a place without a network",
            discussion: "The file can be imported as long as the pointer in it is valid: refresh the tree first."
        )

        @Option(help: "The tree.") private var repo: String
        @Option(help: "The fingerprint of the root key.") private var fingerprint: String
        @Option(help: "The file to write.") private var output: String
        @Option(help: "The receipt of the import that this continues.") private var since: String?
        @Flag(help: "Print JSON.") private var json = false

        func run() throws {
            let receipt = try since.map { path throws(RootcellarError) in
                try MirrorReceipt(verified: try readSmall(FilePath(path)), subject: path)
            }
            let tree = try localTree(repo)
            let file = try OutputFile(FilePath(output))
            let export = TreeExport(tree: tree, fingerprint: try Fingerprint(fingerprint), now: currentTime())
            let report = try export.run(to: file.file, since: receipt)
            try file.commit()
            if json { return try sayJSON(report) }
            say(
                "'\(report.server)' manifest \(report.manifest)\(report.since.map { ", after \($0)" } ?? ""): \(report.builds)"
                    + " builds, \(report.bytes) bytes; to be imported until \(report.validUntil)"
            )
        }
    }

    /// `repo import`.
    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take an export into a tree, after all of it was verified",
            discussion: "Prints a receipt, which the next export continues from: repo export --since."
        )

        @Argument(help: "The file.") private var file: String
        @Option(help: "The directory of the tree; made at the first import.") private var repo: String
        @Option(help: "The fingerprint of the root key.") private var fingerprint: String

        func run() throws {
            var taken = try TreeImport(
                FilePath(file),
                tree: try localTree(repo),
                fingerprint: try Fingerprint(fingerprint),
                now: currentTime()
            )
            taken.pages = try PageSet()
            let (report, receipt) = try taken.run()
            warnOfPages(report.pagesFault)
            tell(
                "rootcellar: '\(report.server)' manifest \(report.manifest), \(report.added.count) builds came,"
                    + " valid until \(report.validUntil)"
            )
            try FileDescriptor.standardOutput.writeAll(try receipt.canonicalBytes())
        }
    }
}
