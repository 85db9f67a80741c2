// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ClientCommands
import Model
import Repository
import SystemPackage

/// Where the commands that change keys or a tree's documents work, and how they report.
struct TreePlace: ParsableArguments {
    @Option(help: "The tree.") var repo: String
    @OptionGroup var keys: KeyOptions
    @Flag(help: "Print JSON.") var json = false

    func publisher() throws(RootcellarError) -> Publisher {
        Publisher(tree: FilePath(repo), keys: try keys.open(), now: currentTime())
    }

    func print(_ report: PublishReport) throws(RootcellarError) {
        if json { return try sayJSON(report) }
        say("manifest \(report.manifest), valid until \(report.validUntil)")
    }

    func print(_ report: KeyReport) throws(RootcellarError) {
        if json { return try sayJSON(report) }
        for key in report.removed { say("removed \(key)") }
        for role in Role.allCases.reversed() {
            guard let keys = report.roles[role] else { continue }
            for key in keys.fingerprints.reversed() { say("\(role.rawValue) \(key)") }
        }
        say("root document \(report.root), valid until \(report.expires); manifest \(report.manifest)")
    }
}
