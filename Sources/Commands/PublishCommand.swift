// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import ClientCommands
import Model
import Repository
import SystemPackage

/// `rootcellar publish`.
package struct PublishCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Sign images and put them into a tree",
        discussion: """
            All are published or none; only an image that has not passed 'rootcellar test' is left out alone, and its last \
            published build stays. The exit status then says so.
            """
    )

    @Argument(help: "Directories of built images.") private var images: [String]
    @Option(help: "The tree.") private var repo: String
    @OptionGroup private var keys: KeyOptions
    @Flag(help: "Publish images also if they have not passed their tests; the index says so.") private var untested =
        false
    @Flag(help: "Publish images that have a source which nobody verified.") private var allowTainted = false
    @Option(help: "Make patches from this many of the builds of an image that are published.") private var deltas = 7
    @Flag(help: "Make no patches.") private var noDeltas = false
    @Flag(help: "Print JSON.") private var json = false

    package init() {}

    package func validate() throws {
        guard (0...100).contains(deltas) else { throw ValidationError("patches are made from 0 to 100 builds") }
    }

    package func run() throws {
        var publisher = try makePublisher(tree: repo, keys: keys.open())
        publisher.allowsTaints = allowTainted
        publisher.deltas = noDeltas ? 0 : deltas
        let report = try publisher.publish(images: images.map { FilePath($0) }, untested: untested)
        warn(report)
        if json { try sayJSON(report) } else { print(report) }
        guard let first = report.refused.first else { return }
        let total = report.images.count + report.refused.count
        throw RootcellarError(
            first.errorClass,
            "\(report.refused.count) of \(total) images not published: \(first.reason)",
            subject: report.refused.map(\.name).joined(separator: ", "),
            hint: "the last good build of each stays"
        )
    }

    private func print(_ report: PublishReport) {
        for image in report.images {
            say(
                "\(image.name) \(image.serial): \(image.files) files, \(image.bytes) bytes, "
                    + (image.tested ? "tested" : "untested")
            )
            for (name, bytes) in image.deltas.sorted(by: { $0.key < $1.key }) { say("  \(name): \(bytes) bytes") }
        }
        say("manifest \(report.manifest), valid until \(report.validUntil)")
    }
}
