// SPDX-License-Identifier: Apache-2.0

import Model

/// One image in the catalogue, kept from one publication to the next: what the pages of the whole tree need of it.
///
/// Written as one line with tabs between its fields; the last one is the row of the catalogue as HTML. Everything stays text,
/// as there are thousands of rows and only a few are looked at: times of this form sort as text does.
struct ImageRow {
    /// `distribution/release/architecture/variant`.
    let name: String
    /// Changes whenever the page of the image has to.
    let digest: String
    /// The SHA-256 of the document of the build that is shown, and its serial.
    let image: String
    let serial: String
    /// When it was published, and until when it may be used without asking again: a newer one should be there by then.
    let published: String
    let fresh: String
    /// The serial of the first build without passed tests after all that had them; empty if the newest has.
    let untestedSince: String
    let summary: String
    let html: String

    var line: String {
        [name, digest, image, serial, published, fresh, untestedSince, summary, html].joined(separator: "\t")
    }

    /// The row of an image.
    ///
    /// - Parameters:
    ///   - shown: the build that clients are given.
    ///   - builds: what the index says of all of them.
    init(_ name: ImageName, digest: String, shown: BuildFacts, builds: [IndexShard.Build], html: String) {
        self.name = name.path
        self.digest = digest
        image = shown.build.image.sha256.description
        serial = shown.build.serial.description
        published = (shown.build.published ?? shown.build.serial.time).description
        fresh = shown.build.serial.time.adding(seconds: Int64(shown.document.lifetime)).description
        untestedSince = builds.reversed().prefix { !$0.tested }.last?.serial.description ?? ""
        summary = Self.flat(shown.document.summary)
        self.html = Self.flat(html.hasSuffix("\n") ? String(html.dropLast()) : html)
    }

    /// Reads a line; nil if it is not one.
    init?(line: Substring) {
        let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
        guard fields.count == 9 else { return nil }
        name = String(fields[0])
        digest = String(fields[1])
        image = String(fields[2])
        serial = String(fields[3])
        published = String(fields[4])
        fresh = String(fields[5])
        untestedSince = String(fields[6])
        summary = String(fields[7])
        html = String(fields[8])
    }

    /// On one line, so that a row that was read back is the one that was written.
    private static func flat(_ text: String) -> String {
        String(text.map { $0 == "\t" || $0.isNewline ? " " : $0 })
    }
}
