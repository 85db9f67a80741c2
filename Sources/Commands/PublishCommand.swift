// SPDX-License-Identifier: Apache-2.0

import Archive
package import ArgumentParser
import ClientCommands
import Model
import Repository
import SystemPackage

/// `rootcellar publish`.
package struct PublishCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "publish",
        abstract: "Sign images and put them into a tree, or send them to where the keys are",
        discussion: """
            All are published or none; only an image that has not passed 'rootcellar test' is left out alone, and its last \
            published build stays. The exit status then says so.

            Where there are no keys, --to sends the images to a server that takes uploads ('rootcellar serve --uploads'). \
            Where they are, --uploads takes what has arrived there, each by itself, by the same rules.

            rootcellar publish IMAGE-DIR ... --repo DIR --keys DIR
            rootcellar publish IMAGE-DIR ... --to https://HOST --token-file FILE
            rootcellar publish --uploads DIR --repo DIR --keys DIR
            """
    )

    @Argument(help: "Directories of built images.") private var images: [String] = []
    @Option(help: "The tree: a directory, or s3://BUCKET[/PREFIX].") private var repo: String?
    @OptionGroup private var store: StoreOptions
    @Option(help: "The directory of the publisher's keys.") private var keys: String?
    @OptionGroup private var passphrase: PassphraseOptions
    @Option(help: "Take the uploads that a server has put into this directory.") private var uploads: String?
    @OptionGroup private var destination: UploadDestination
    @Flag(help: "Publish images also if they have not passed their tests; the index says so.") private var untested =
        false
    @Flag(help: "Publish images that have a source which nobody verified.") private var allowTainted = false
    @Option(help: "Make patches from this many of the builds of an image that are published.") private var deltas = 7
    @Flag(help: "Make no patches.") private var noDeltas = false
    @Flag(help: "Print JSON.") private var json = false

    package init() {}

    package func validate() throws {
        guard (0...100).contains(deltas) else { throw ValidationError("patches are made from 0 to 100 builds") }
        if destination.to != nil {
            guard repo == nil, keys == nil, uploads == nil else {
                throw ValidationError("--to needs neither a tree nor keys: whoever has them takes what is sent")
            }
            guard !images.isEmpty else { throw ValidationError("no image directory was given") }
            return
        }
        guard repo != nil, keys != nil else {
            throw ValidationError("--repo and --keys are needed to publish, --to to send images to where they are")
        }
        guard images.isEmpty == (uploads != nil) else {
            throw ValidationError("give directories of images, or --uploads")
        }
    }

    package func run() throws {
        if destination.to != nil { return try send() }
        guard let repo, let keys else { return }
        var publisher = try makePublisher(tree: repo, store, keys: KeyOptions.open(keys, passphrase))
        publisher.allowsTaints = allowTainted
        publisher.deltas = noDeltas ? 0 : deltas
        if let uploads { return try take(FilePath(uploads), publisher) }
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

    private func send() throws {
        var upload = ImageUpload(try destination.session())
        let meter = ProgressMeter()
        upload.onProgress = { meter.show($0, of: $1) }
        defer { meter.end() }
        var reports: [ImageUpload.Report] = []
        for image in images {
            let report = try upload.send(FilePath(image))
            reports.append(report)
            meter.end()
            guard !json else { continue }
            let word = report.stage == .published ? "is published already" : "waits for the publisher"
            say("\(report.image) \(report.serial): \(report.sent) of \(report.bytes) bytes sent, \(word)")
        }
        if json { try sayJSON(reports) }
    }

    private func take(_ directory: FilePath, _ publisher: Publisher) throws {
        let report = try publisher.take(Quarantine(directory), untested: untested)
        for id in report.unreadable { tell("rootcellar: warning: the record of upload \(id) cannot be read") }
        if json {
            try sayJSON(report)
        } else {
            for image in report.published { print(image) }
            for refusal in report.refused {
                say(
                    "\(refusal.image) \(refusal.serial) by '\(refusal.token)' refused: \(refusal.errorClass.rawValue):"
                        + " \(refusal.reason)"
                )
            }
            say("\(report.published.count) published, \(report.refused.count) refused, \(report.waiting) not complete")
        }
        guard let first = report.refused.first else { return }
        throw RootcellarError(
            first.errorClass,
            "\(report.refused.count) uploads refused: \(first.reason)",
            subject: report.refused.map(\.image).joined(separator: ", "),
            hint: "the last good build of each stays"
        )
    }

    private func print(_ report: PublishReport) {
        for image in report.images { print(image) }
        say("manifest \(report.manifest), valid until \(report.validUntil)")
    }

    private func print(_ image: PublishReport.Image) {
        say(
            "\(image.name) \(image.serial): \(image.files) files, \(image.bytes) bytes, "
                + (image.tested ? "tested" : "untested")
        )
        for (name, bytes) in image.deltas.sorted(by: { $0.key < $1.key }) { say("  \(name): \(bytes) bytes") }
    }
}
