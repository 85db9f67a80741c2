// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ClientCommands
import Model
import Pages
import Repository
import SystemPackage

/// Where the commands that change keys or a tree's documents work, and how they report.
struct TreePlace: ParsableArguments {
    @Option(help: "The tree: a directory, or s3://BUCKET[/PREFIX].") var repo: String
    @OptionGroup var store: StoreOptions
    @OptionGroup var keys: KeyOptions
    @Flag(help: "Print JSON.") var json = false

    func publisher() throws(RootcellarError) -> Publisher {
        try makePublisher(tree: repo, store, keys: keys.open())
    }

    func print(_ report: PublishReport) throws(RootcellarError) {
        warn(report)
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

/// The publisher of every command: by the clock of now, with pages for people.
func makePublisher(tree: String, _ store: StoreOptions?, keys: KeyStore) throws(RootcellarError) -> Publisher {
    var publisher: Publisher
    if let remote = try store?.remote(tree) {
        publisher = Publisher(remote, keys: keys, now: currentTime())
    } else {
        publisher = Publisher(tree: FilePath(tree), keys: keys, now: currentTime())
    }
    publisher.pages = try PageSet()
    return publisher
}

/// Says what did not work beside a publication.
func warn(_ report: PublishReport) { warnOfPages(report.pagesFault) }

/// Says why pages are of before, if they are.
func warnOfPages(_ fault: String?) {
    guard let fault else { return }
    tell("rootcellar: published, but the pages for people are of before: \(fault)")
}
