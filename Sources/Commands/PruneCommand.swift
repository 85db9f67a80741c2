// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ClientCommands
import Model
import Repository

extension RepoCommand {
    /// `repo prune`.
    struct Prune: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Drop old builds, and remove what no reader needs any more",
            discussion: """
                Builds go in two steps: they leave the catalogue now, and their files once no pointer that names them can \
                be valid any more and a day for downloads has passed. The last good build of an image always stays. With \
                both limits a build goes only if it is beyond both; without any, only files of earlier runs are removed.
                """
        )

        @OptionGroup private var place: TreePlace
        @Option(help: "How many good builds of each image stay.") private var keep: Int?
        @Option(help: "Drop builds older than this many days.") private var olderThan: Int?
        @Option(help: "Drop builds of this image alone, as in debian/bookworm/amd64; may be repeated.")
        private var image: [String] = []
        @Flag(help: "Change nothing, only say what would be.") private var dryRun = false

        func run() throws {
            let retention = try Retention(count: keep, days: olderThan)
            var images: Set<ImageName> = []
            for name in image { images.insert(try ImageName(path: name)) }
            let report = try place.publisher().prune(
                retention,
                images: images.isEmpty ? nil : images,
                dryRun: dryRun
            )
            if place.json { return try sayJSON(report) }
            for build in report.dropped {
                say("\(dryRun ? "would drop" : "dropped") \(build.name) \(build.serial): \(build.bytes) bytes")
            }
            for path in report.removed { say("\(dryRun ? "would remove" : "removed") \(path)") }
            let later = report.removableFrom.map { "; \(report.droppedBytes) can be freed from \($0) on" } ?? ""
            say("manifest \(report.manifest), \(report.removedBytes) bytes \(dryRun ? "would be " : "")freed\(later)")
        }
    }
}
