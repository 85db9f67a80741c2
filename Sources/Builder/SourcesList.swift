// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// Where mmdebstrap shall take packages from.
enum SourcesList {
    /// The arguments that name the archive: none if mmdebstrap's own default shall stand.
    ///
    /// - Parameters:
    ///   - suite: as the archive calls it.
    ///   - mirror: the archive configured for the distribution; used if the definition names none.
    static func arguments(
        _ source: SourceSection,
        distribution: String,
        suite: String,
        components: [String],
        mirror: String?
    ) -> [String] {
        let list = (components.isEmpty ? ["main"] : components).joined(separator: " ")
        // A definition's archive is taken as debootstrap takes it: this suite and nothing else.
        if !source.url.isEmpty { return ["deb \(source.url.text) \(suite) \(list)"] }
        guard let mirror, !mirror.isEmpty else { return [] }
        let base = mirror.hasSuffix("/") ? String(mirror.dropLast()) : mirror
        var lines = ["deb \(base) \(suite) \(list)"]
        if distribution.lowercased() == "debian", !["sid", "unstable", "experimental"].contains(suite) {
            lines.append("deb \(base) \(suite)-updates \(list)")
            // Mirrors of Debian keep the security archive beside the main one under this name.
            lines.append("deb \(base)-security \(suite)-security \(list)")
        }
        return lines
    }

    /// The text of a `sources.list` without options that only had a meaning for the builder: paths of its keys, and
    /// the wish not to verify.
    static func forImage(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            guard line.hasPrefix("deb"), let open = line.firstIndex(of: "["), let close = line.firstIndex(of: "]"),
                open < close
            else { return String(line) }
            let options = line[line.index(after: open)..<close].split(separator: " ")
                .filter { !$0.hasPrefix("signed-by=") && !$0.hasPrefix("trusted=") }
            let rest = line[line.index(after: close)...].drop { $0 == " " }
            let kept = options.isEmpty ? "" : "[\(options.joined(separator: " "))] "
            return "\(line[..<open])\(kept)\(rest)"
        }
        return lines.joined(separator: "\n")
    }
}
