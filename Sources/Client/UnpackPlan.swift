// SPDX-License-Identifier: Apache-2.0

package import Archive
package import Model

/// What the confined processes are told before the first byte: how the archive comes, and what is known about it.
package struct UnpackPlan: Sendable {
    /// How the archive is compressed; nil for a plain tar.
    package var compression: Compression?
    /// The most bytes of tar.
    package var limit: Int
    /// The most bytes of tar for each compressed byte; nil where `limit` is signed.
    package var ratio: Int?
    /// What is signed about the members; nil if nothing is.
    package var expectation: Unpacking.Expectation?
    /// The newest time that a member may have; later ones are set to it. Nil for no limit.
    package var newest: Timestamp?
    /// LXC's tokens and their values, for the files of `expanded`.
    package var tokens: [String: String]
    /// Files of the image in which tokens are replaced.
    package var expanded: [String]

    /// A plan for a signed image.
    package init(
        _ compression: Compression?,
        of document: ImageDocument,
        tokens: [String: String],
        expanded: [String]
    ) {
        self.compression = compression
        limit = document.tar.size
        expectation = .init(entries: document.tar.entries, contentBytes: document.tar.unpackedBytes)
        newest = document.created
        self.tokens = tokens
        self.expanded = expanded
    }

    /// A plan for an archive of which no signed document gives figures, a local file or one of a plain server: fixed
    /// limits take the place of signed figures.
    package init(unsigned compression: Compression?, tokens: [String: String], expanded: [String]) {
        self.compression = compression
        limit = TarLimits().contentBytes + TarLimits().contentBytes / 8
        ratio = 200
        self.tokens = tokens
        self.expanded = expanded
    }

    /// The words for the process that decompresses; nil if none is needed.
    var decoding: [String]? {
        guard let compression else { return nil }
        return ["decode", compression.rawValue, String(limit)] + (ratio.map { [String($0)] } ?? [])
    }

    /// The words for the process that unpacks.
    var extraction: [String] {
        var words = ["extract"]
        if let expectation {
            words += ["--entries", String(expectation.entries), "--bytes", String(expectation.contentBytes)]
        }
        if let newest { words += ["--newest", String(newest.seconds)] }
        return words + expansion
    }

    /// The words for what is different in every container.
    var expansion: [String] {
        var words: [String] = []
        for (token, value) in tokens.sorted(by: { $0.key < $1.key }) { words += ["--set", "\(token)=\(value)"] }
        for path in expanded { words += ["--expand", path] }
        return words
    }
}
