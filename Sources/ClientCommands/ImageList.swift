// SPDX-License-Identifier: Apache-2.0

import Client
import Model
import Transfer

/// What a server has, whichever kind it is of.
struct ImageList {
    /// One image for people and for `--json`.
    struct Row: Encodable {
        var distribution: String
        var release: String
        var architecture: String
        var variant: String
        var serial: String
        /// Whether the build passed its tests; nil where servers say nothing about it.
        var tested: Bool?

        init(_ name: ImageName, serial: String, tested: Bool?) {
            distribution = name.distribution
            release = name.release
            architecture = name.architecture
            variant = name.variant
            self.serial = serial
            self.tested = tested
        }
    }

    /// The server's name for itself, or its address.
    let server: String
    let rows: [(name: ImageName, row: Row)]
    /// Distributions that the server does not show to us.
    var hidden: [String] = []

    /// Every image that matches, with the build that everybody gets.
    init(_ trusted: TrustedServer, _ filter: ImageFilter) throws(RootcellarError) {
        server = trusted.root.server
        let catalogue = Catalogue(trusted)
        var rows: [(ImageName, Row)] = []
        for distribution in catalogue.distributions where filter.distribution ?? distribution == distribution {
            guard let images = try catalogue.imagesIfShown(of: distribution) else {
                hidden.append(distribution)
                continue
            }
            for (name, image) in images where filter.matches(name) {
                guard let build = catalogue.current(image) else { continue }
                rows.append((name, Row(name, serial: build.serial.description, tested: build.tested)))
            }
        }
        self.rows = rows
    }

    /// Every image of a plain server that matches.
    init(_ session: PlainSession, _ filter: ImageFilter) throws(RootcellarError) {
        server = session.server.address.url
        rows = try session.builds().filter { filter.matches($0.name) }.sorted { $0.name < $1.name }
            .map { ($0.name, Row($0.name, serial: $0.serial, tested: nil)) }
    }
}

extension ClientContext {
    /// Asks a server for its images.
    func images(
        of server: ChosenServer,
        _ filter: ImageFilter,
        _ narrator: Narrator
    ) throws(RootcellarError) -> ImageList {
        switch server {
        case .pinned(let pinned):
            narrator.progress("Downloading the image index")
            let list = try ImageList(try ask(pinned), filter)
            if !list.hidden.isEmpty {
                tell("rootcellar: not shown to us by this server: \(list.hidden.joined(separator: ", "))")
            }
            return list
        case .plain(let plain):
            let session = try PlainSession(plain, surroundings, selection.transferOptions(for: plain), narrator)
            return try ImageList(session, filter)
        }
    }
}
