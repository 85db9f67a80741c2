// SPDX-License-Identifier: Apache-2.0

package import Model

/// What an archive says about itself in a `Release` or `InRelease` file.
package struct ReleaseFile: Hashable, Sendable {
    /// Its name among apt's lists, which tells the archive and the suite.
    package var name: String
    /// When it was made.
    package var date: Timestamp
    /// The hash of the file.
    package var sha256: SHA256Digest

    /// Reads one.
    ///
    /// - Throws: `SOURCE` if it has no date that can be read.
    package init(name: String, _ bytes: [UInt8]) throws(RootcellarError) {
        self.name = name
        sha256 = SHA256Digest(hashing: bytes)
        for line in bytes.split(separator: 0x0A) where line.starts(with: "Date:".utf8) {
            guard let date = Timestamp(releaseDate: String(decoding: line.dropFirst(5), as: UTF8.self)) else { break }
            self.date = date
            return
        }
        throw RootcellarError(.source, "the archive's Release file has no date", subject: name)
    }

    /// Every Release file among the lists that apt has fetched and verified into a root.
    ///
    /// - Throws: `SOURCE` if one has no date, `BUILD` if one cannot be read.
    package static func all(in rootfs: RootfsDirectory) throws(RootcellarError) -> [ReleaseFile] {
        var files: [ReleaseFile] = []
        for name in rootfs.names(AptPaths.lists).map({ String(decoding: $0, as: UTF8.self) })
        where name.hasSuffix("_InRelease") || name.hasSuffix("_Release") {
            guard let bytes = try rootfs.read("\(AptPaths.lists)/\(name)") else { continue }
            files.append(try ReleaseFile(name: name, bytes))
        }
        return files
    }
}

/// Directories of apt in a root.
enum AptPaths {
    static let lists = "/var/lib/apt/lists"
    static let archives = "/var/cache/apt/archives"
}

extension Timestamp {
    /// Reads the date of a Release file: `Sat, 11 Jul 2026 09:46:42 UTC` (also `GMT`, `+0000`), the form of RFC 5322.
    package init?(releaseDate text: String) {
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\r" || $0 == "\t" })
        guard words.count == 6, ["UTC", "GMT", "+0000", "Z"].contains(words[5]),
            let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
                .firstIndex(where: { words[2] == $0 }),
            words[1].count <= 2, words[3].count == 4, words[4].count == 8
        else { return nil }
        let day = words[1].count == 1 ? "0\(words[1])" : "\(words[1])"
        let number = month + 1 < 10 ? "0\(month + 1)" : "\(month + 1)"
        self.init("\(words[3])-\(number)-\(day)T\(words[4])Z")
    }
}
