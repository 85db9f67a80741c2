// SPDX-License-Identifier: Apache-2.0

import Client
import Model

/// Which images to list; nil matches all.
struct ImageFilter {
    var distribution: String?
    var release: String?
    var architecture: String?
    var variant: String?

    init(distribution: String?, release: String?, architecture: String?, variant: String?) {
        self.distribution = distribution
        self.release = release
        self.architecture = architecture
        self.variant = variant
    }

    /// The filter of a template's command line, where an empty word matches everything.
    init(_ words: TemplateWords) {
        func given(_ word: String?) -> String? { word?.isEmpty == true ? nil : word }
        self.init(
            distribution: given(words.distribution),
            release: given(words.release),
            architecture: given(words.architecture),
            variant: given(words.variant)
        )
    }

    func matches(_ name: ImageName) -> Bool {
        (distribution ?? name.distribution) == name.distribution && (release ?? name.release) == name.release
            && (architecture ?? name.architecture) == name.architecture && (variant ?? name.variant) == name.variant
    }
}

/// The list of a server's images.
enum ImageTable {
    /// One image for `--json`.
    struct Row: Encodable {
        var distribution: String
        var release: String
        var architecture: String
        var variant: String
        var serial: String
        var tested: Bool
    }

    struct Output: Encodable {
        var format = documentFormat
        var server: String
        var images: [Row]
    }

    /// Every image that matches, with its newest build.
    static func rows(_ server: TrustedServer, _ filter: ImageFilter) throws(RootcellarError) -> [Row] {
        let catalogue = Catalogue(server)
        let revoked = Set(server.manifest.revoked.map(\.image))
        var rows: [Row] = []
        for distribution in catalogue.distributions where filter.distribution ?? distribution == distribution {
            for (name, builds) in try catalogue.images(of: distribution) where filter.matches(name) {
                guard let build = builds.last(where: { !revoked.contains($0.image.sha256) }) else { continue }
                rows.append(
                    Row(
                        distribution: name.distribution,
                        release: name.release,
                        architecture: name.architecture,
                        variant: name.variant,
                        serial: build.serial.description,
                        tested: build.tested
                    )
                )
            }
        }
        return rows
    }

    /// Prints the list, in the frame that programs around LXC's templates look for if `isTemplate`.
    static func print(
        context: ClientContext,
        server: PinnedServer,
        filter: ImageFilter,
        isTemplate: Bool,
        json: Bool = false
    ) throws(RootcellarError) {
        if isTemplate { say("Downloading the image index") }
        let trusted = try context.ask(server)
        let rows = try rows(trusted, filter)
        if json {
            try sayJSON(Output(server: trusted.root.server, images: rows))
            return
        }
        let header = [["DIST", "RELEASE", "ARCH", "VARIANT", "BUILD"]]
        let cells = rows.map { [$0.distribution, $0.release, $0.architecture, $0.variant, $0.serial] }
        let lines = table(header + cells).split(separator: "\n", omittingEmptySubsequences: false)
        if isTemplate { say("\n---") }
        say(String(lines[0]))
        if isTemplate { say("---") }
        for line in lines.dropFirst() { say(String(line)) }
        if isTemplate { say("---") }
    }
}
