// SPDX-License-Identifier: Apache-2.0

package import Model
import SystemPackage

/// Writes a line of results to standard output, at once: what is buffered is lost when a signal comes.
package func say(_ line: String) {
    _ = try? FileDescriptor.standardOutput.writeAll(Array("\(line)\n".utf8))
}

/// Writes a line about the work to standard error.
package func tell(_ line: String) {
    _ = try? FileDescriptor.standardError.writeAll(Array("\(line)\n".utf8))
}

/// Writes an error as `rootcellar: CLASS: what, where; what to do`.
package func tell(_ error: RootcellarError) { tell("rootcellar: \(error.description)") }

/// Columns as wide as their widest cell and at least as wide as `widths`, two blanks between, nothing at the end of a
/// line.
package func table(_ rows: [[String]], widths: [Int] = []) -> String {
    var widths = widths
    for row in rows {
        for (column, cell) in row.enumerated() {
            if column == widths.count { widths.append(0) }
            widths[column] = max(widths[column], cell.count)
        }
    }
    return rows.map { row in
        let cells = row.enumerated().map { column, cell in
            column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
        }
        return cells.joined(separator: "  ")
    }.joined(separator: "\n")
}
