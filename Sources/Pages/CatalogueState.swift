// SPDX-License-Identifier: Apache-2.0

import Model

/// The rows of one distribution's images, beside the tree: what has not changed is not looked at again.
struct CatalogueState {
    /// What the rows were made from; other rows may be needed if it is another.
    let stamp: String
    /// In the order of the index.
    let rows: [ImageRow]

    /// The first line: whatever happened to the rest shows.
    private static func head(_ body: ArraySlice<UInt8>) -> String {
        "rootcellar pages 1 \(unsafe SHA256Digest(hashing: body.span.bytes))"
    }

    private static let limit = 256 << 20

    /// Where the state of a distribution is kept; servers do not show it.
    static func path(_ distribution: String) -> String { ".rootcellar/pages/\(distribution)" }

    init(stamp: String, rows: [ImageRow]) {
        self.stamp = stamp
        self.rows = rows
    }

    /// Reads the state; nil if there is none, or a part of it is not understood.
    init?(of distribution: String, files: some TreeFiles) {
        guard let bytes = try? files.read(Self.path(distribution), limit: Self.limit) else {
            return nil
        }
        guard let end = bytes.firstIndex(of: 0x0A) else { return nil }
        let body = bytes[(end + 1)...]
        guard bytes[..<end].elementsEqual(Self.head(body).utf8) else { return nil }
        var lines = body.split(separator: 0x0A)[...]
        stamp = lines.popFirst().map { String(decoding: $0, as: UTF8.self) } ?? ""
        var rows: [ImageRow] = []
        rows.reserveCapacity(lines.count)
        for line in lines {
            guard let row = ImageRow(line: line) else { return nil }
            rows.append(row)
        }
        self.rows = rows
    }

    /// Writes the state.
    func write(for distribution: String, files: some TreeFiles) throws(RootcellarError) {
        var body = Array("\(stamp)\n".utf8)
        for row in rows { body += row.line + [0x0A] }
        try files.write(Array(Self.head(body[...]).utf8) + [0x0A] + body, to: Self.path(distribution))
    }
}
