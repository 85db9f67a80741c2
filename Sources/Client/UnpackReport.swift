// SPDX-License-Identifier: Apache-2.0

package import Archive
import Model

/// What the unpacker says it did.
package struct UnpackReport: Sendable, Equatable {
    package var entries = 0
    package var contentBytes = 0
    /// What of the archive is not in the rootfs, by kind.
    package var leftOut = Omissions()

    /// The line that it was read from.
    var line: String { "\(entries) \(contentBytes) \(leftOut.words)" }

    /// Reads the line that `Unpacking.Report.line` is.
    ///
    /// - Throws: `INTERNAL` for anything else.
    init(_ text: String) throws(RootcellarError) {
        let fields = text.split(whereSeparator: \.isWhitespace)
        guard fields.count == 3, let entries = Int(fields[0]), let bytes = Int(fields[1]),
            let leftOut = Omissions(words: fields[2])
        else { throw RootcellarError(.internal, "the unpacker's report is unreadable") }
        self.entries = entries
        contentBytes = bytes
        self.leftOut = leftOut
    }
}
