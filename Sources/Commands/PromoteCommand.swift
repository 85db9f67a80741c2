// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Model
import Repository

extension RepoCommand {
    /// `repo promote`.
    struct Promote: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let a channel of an image point to a build",
            discussion: """
                Nothing is copied. Once an image has the channel 'stable', readers that know no channels see the build it \
                points to, and nothing newer.
                """
        )

        @Argument(help: "DISTRIBUTION/RELEASE/ARCHITECTURE[/VARIANT]") private var image: String
        @Argument(help: "The build, as in 20260131_05:24; the newest one if left out.") private var serial: String?
        @Option(help: "The channel.") private var to = IndexShard.Image.usualChannel
        @Option(help: "Take the build that this channel points to.") private var from: String?
        @OptionGroup private var place: TreePlace

        func validate() throws {
            if from != nil, serial != nil { throw ValidationError("give a build or a channel, not both") }
        }

        func run() throws {
            let name = try ImageName(path: image)
            let build = try serial.map { text throws(RootcellarError) in try Serial(text) }
            try place.print(place.publisher().promote(name, build, from: from, to: to))
        }
    }
}
