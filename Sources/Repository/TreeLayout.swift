// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// The parts of a tree that only its publisher uses, beside what `TreePath` names for everybody.
struct TreeLayout: Sendable {
    /// The top directory.
    let top: FilePath
    /// Whether the big files of builds are here; those of a working copy are in an object store.
    var keepsFiles = true

    /// What servers do not show: the lock, the journal and work in progress.
    static let hidden = ".rootcellar"

    var lock: FilePath { top.appending(Self.hidden).appending("lock") }
    var journal: FilePath { top.appending(Self.hidden).appending("journal") }
    /// Where one publisher at a time prepares what it will rename into place.
    var staging: FilePath { top.appending(Self.hidden).appending("tmp") }

    /// A path of `TreePath`.
    func path(_ relative: String) -> FilePath { top.appending(relative) }

    /// Puts what was prepared into its place, and makes the directories above it.
    func put(_ staged: FilePath, at path: String) throws(RootcellarError) {
        if let end = path.lastIndex(of: "/") { try Disk.makeDirectories(String(path[..<end]), below: top) }
        try Disk.rename(staged, to: self.path(path))
    }

    /// Prepares a small file and puts it into its place.
    func put(_ bytes: [UInt8], at path: String) throws(RootcellarError) {
        let staged = staging.appending("file")
        try Disk.write(bytes, to: staged)
        try put(staged, at: path)
    }

    /// Bytes of a file, or of a build with all its files.
    func size(_ path: String) throws(RootcellarError) -> Int {
        let document = self.path("\(path)/\(ImageDocument.fileName)")
        guard !keepsFiles, Disk.exists(document) else { return try Disk.size(self.path(path)) }
        let bytes = try Disk.read(document, limit: ImageDocument.limit)
        return try ImageDocument(verified: bytes, subject: document.string).files.values.reduce(bytes.count) {
            $0 + $1.size
        }
    }

    /// The number in `<number>.signed` or another ending.
    static func number(_ name: String, ending: String) -> Int? {
        guard name.hasSuffix(ending), let number = Int(name.dropLast(ending.count)), number >= 1,
            "\(number)\(ending)" == name
        else { return nil }
        return number
    }
}
