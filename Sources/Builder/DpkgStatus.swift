// SPDX-License-Identifier: Apache-2.0

import Model

/// dpkg's list of what is installed.
enum DpkgStatus {
    /// The packages whose state is `installed`, sorted by name and architecture.
    static func packages(_ text: String) -> [ImageDocument.Package] {
        var result: [ImageDocument.Package] = []
        var fields: [Substring: String] = [:]
        func finish() {
            defer { fields = [:] }
            guard let name = fields["Package"], let version = fields["Version"],
                let architecture = fields["Architecture"], fields["Status"]?.hasSuffix(" installed") == true
            else { return }
            // `Source: name (version)` where the version differs from the package's.
            let source = fields["Source"]?.split(separator: " ").first.map(String.init)
            result.append(.init(name: name, version: version, architecture: architecture, source: source))
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.isEmpty {
                finish()
            } else if let colon = line.utf8.firstIndex(of: 0x3A), line.utf8.first != 0x20 {
                let key = line[..<colon]
                switch key {
                case "Package", "Version", "Architecture", "Status", "Source":
                    fields[key] = trimmed(line[line.utf8.index(after: colon)...])
                default: break
                }
            }
        }
        finish()
        return result.sorted { ($0.name, $0.architecture) < ($1.name, $1.architecture) }
    }
}
