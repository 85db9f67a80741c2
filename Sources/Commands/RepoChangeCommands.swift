// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Model
import Repository
import Transfer

extension RepoCommand {
    /// `repo refresh`.
    struct Refresh: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign what is published once more, so that it stays valid",
            discussion: "The freshness key is enough; run it every day or two. Nothing new is published."
        )

        @OptionGroup private var place: TreePlace

        func run() throws { try place.print(place.publisher().refresh()) }
    }

    /// `repo revoke`.
    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a build back: no client uses it any more, not even from its cache"
        )

        @Argument(help: "DISTRIBUTION/RELEASE/ARCHITECTURE[/VARIANT]") private var image: String
        @Argument(help: "The build, as in 20260131_05:24.") private var serial: String
        @Option(help: "Why, for people; clients show it.") private var reason: String
        @OptionGroup private var place: TreePlace

        func run() throws {
            let name = try ImageName(path: image)
            guard (1...200).contains(reason.utf8.count), !reason.unicodeScalars.contains(where: isUnprintable) else {
                throw RootcellarError(.usage, "a reason is one line of at most 200 bytes")
            }
            try place.print(place.publisher().revoke(name, try Serial(serial), reason: reason))
        }
    }

    /// `repo mirrors`.
    struct Mirrors: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say where else clients may fetch this tree",
            discussion: """
                The list is signed and replaces the former one; without a URL it is emptied. A mirror is a copy of the
                tree behind any web server; it holds no key, and clients believe it no more than the wire.
                """
        )

        @Argument(help: "https://HOST[:PORT][/PREFIX], at most 8.") private var urls: [String] = []
        @OptionGroup private var place: TreePlace

        func run() throws {
            var addresses: [String] = []
            for url in urls {
                let address = try ServerAddress(url).url
                if !addresses.contains(address) { addresses.append(address) }
            }
            guard addresses.count <= 8 else { throw RootcellarError(.usage, "at most 8 mirrors can be named") }
            try place.print(place.publisher().setMirrors(addresses))
        }
    }
}
