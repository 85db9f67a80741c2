// SPDX-License-Identifier: Apache-2.0

package import SystemPackage
import TestSupport

/// Everything there is to know about a tree of files, so that two of them can be compared and "nothing has changed" be
/// proven: types, modes, owners, times, sizes, links, contents and extended attributes.
package struct Snapshot: Equatable, CustomStringConvertible {
    /// By path, which begins with `./`.
    package var entries: [String: String] = [:]

    /// Takes one of a directory; an empty one of what is not there.
    package init(_ directory: FilePath) async throws {
        guard exists(directory) else { return }
        let script = """
            cd "$1"
            find . -printf '%p\\t%y %m %U:%G links=%n %l\\t%T@\\0'
            printf '\\0'
            find . -type f -print0 | xargs -0r sha256sum -z
            printf '\\0'
            getfattr -P -R -h -d -m - -e hex . 2>/dev/null
            """
        let output = try await runProgram("sh", ["-euc", script, "sh", directory.string]).succeeded().output
        let parts = output.split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.firstIndex(of: ""), let second = parts[(first + 1)...].firstIndex(of: "") else {
            throw Unexpected(what: "no snapshot of \(directory)")
        }
        for part in parts[..<first] {
            let fields = part.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 3 else { throw Unexpected(what: "not a line of find: \(part)") }
            // What a directory's link count says differs between file systems.
            let facts = fields[1].hasPrefix("d") ? fields[1].replacing(/links=\d+/, with: "") : fields[1]
            entries[fields[0]] = "\(facts) \(fields[2])"
        }
        for part in parts[(first + 1)..<second] {
            entries[String(part.dropFirst(66)), default: ""] += " \(part.prefix(64))"
        }
        for block in parts[second...].joined().split(separator: "\n\n") {
            let lines = block.split(separator: "\n")
            guard let head = lines.first(where: { $0.hasPrefix("# file: ") }) else { continue }
            let name = String(head.dropFirst("# file: ".count))
            let path = name == "." ? "." : "./" + name
            entries[path, default: ""] += " " + lines.filter { !$0.hasPrefix("#") }.sorted().joined(separator: " ")
        }
    }

    /// Without the times of these paths.
    package func ignoringTimes(of paths: String...) -> Snapshot {
        var result = self
        for path in paths { result.entries[path] = entries[path]?.replacing(/\ \d+\.\d+/, with: "") }
        return result
    }

    /// Without these paths.
    package func without(_ paths: String...) -> Snapshot {
        var result = self
        for path in paths { result.entries[path] = nil }
        return result
    }

    /// The paths that differ from another's.
    package func differences(from other: Snapshot) -> [String] {
        Set(entries.keys).union(other.entries.keys).sorted().filter { entries[$0] != other.entries[$0] }
            .map { "\($0): \(other.entries[$0] ?? "nothing") -> \(entries[$0] ?? "nothing")" }
    }

    package var description: String { "\(entries.count) entries" }
}
