// SPDX-License-Identifier: Apache-2.0

import Model

/// One image in the catalogue, kept from one publication to the next: what the pages of the whole tree need of it.
///
/// Written as one line with tabs between its fields; the last one is the row of the catalogue as HTML, which nobody looks at and
/// which therefore stays bytes. Everything else stays text: there are thousands of rows, and times of this form sort as text does.
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
    let html: ArraySlice<UInt8>

    var line: [UInt8] {
        var line: [UInt8] = []
        for field in [name, digest, image, serial, published, fresh, untestedSince, summary] {
            line += Array(field.utf8)
            line.append(Self.tab)
        }
        return line + html
    }

    private static let tab = UInt8(ascii: "\t")

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
        self.html = Array(Self.flat(html.hasSuffix("\n") ? String(html.dropLast()) : html).utf8)[...]
    }

    /// Reads a line; nil if it is not one.
    init?(line: ArraySlice<UInt8>) {
        var rest = line
        var fields: [String] = []
        fields.reserveCapacity(8)
        for _ in 0..<8 {
            guard let end = rest.firstIndex(of: Self.tab) else { return nil }
            fields.append(String(decoding: rest[..<end], as: UTF8.self))
            rest = rest[(end + 1)...]
        }
        name = fields[0]
        digest = fields[1]
        image = fields[2]
        serial = fields[3]
        published = fields[4]
        fresh = fields[5]
        untestedSince = fields[6]
        summary = fields[7]
        html = rest
    }

    /// On one line, so that a row that was read back is the one that was written.
    private static func flat(_ text: String) -> String {
        String(text.map { $0 == "\t" || $0.isNewline ? " " : $0 })
    }
}
