// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model
import Synchronization
package import SystemPackage

/// Compares two image directories, file by file, and their roots member by member.
package struct ImageComparison {
    /// One line for each difference, and how many there are in all.
    package private(set) var lines: [String] = []
    /// Whether every file but the log is the same.
    package private(set) var isSame = true

    private static let most = 200
    /// These say when and how long, and nothing of the image.
    private static let ignored: Set<String> = ["build.log", "test.log"]

    /// Compares `new` with `old`, whose documents say what is in them.
    ///
    /// - Throws: `META` if one has no document, `ARCHIVE` or `BUILD` if a root cannot be read.
    package init(old: FilePath, new: FilePath) throws(RootcellarError) {
        guard let first = BuildState.document(old), let second = BuildState.document(new) else {
            throw RootcellarError(.meta, "not an image directory", subject: old.string)
        }
        for name in Set(first.files.keys).union(second.files.keys).subtracting(Self.ignored).sorted() {
            let one = first.files[name], two = second.files[name]
            if one?.sha256 == two?.sha256 { continue }
            isSame = false
            lines.append(
                one == nil ? "only in the new: \(name)" : two == nil ? "only in the old: \(name)" : "differs: \(name)"
            )
        }
        let inputs = Set(first.inputs.keys).union(second.inputs.keys)
        for name in inputs.sorted()
        where first.inputs[name] != second.inputs[name] && !isSame && name != BuildState.input {
            lines.append("input \(name): \(first.inputs[name] ?? "none"), now \(second.inputs[name] ?? "none")")
        }
        guard first.tar.sha256 != second.tar.sha256 else { return }
        let members = try (Self.members(old, first), Self.members(new, second))
        for name in Set(members.0.keys).union(members.1.keys).sorted() {
            guard let difference = Self.difference(members.0[name], members.1[name]) else { continue }
            lines.append("\(difference): /\(name)")
            if lines.count >= Self.most {
                lines.append("…")
                return
            }
        }
    }

    private struct Member: Hashable {
        var kind: TarEntry.Kind
        var mode: UInt32
        var owner: String
        var modified: Int64
        var link: [UInt8]
        var content: SHA256Digest
    }

    private static func difference(_ old: Member?, _ new: Member?) -> String? {
        guard let old else { return "only in the new" }
        guard let new else { return "only in the old" }
        if old == new { return nil }
        var words: [String] = []
        if old.kind != new.kind { words.append("kind") }
        if old.content != new.content { words.append("content") }
        if old.link != new.link { words.append("target") }
        if old.mode != new.mode { words.append("mode") }
        if old.owner != new.owner { words.append("owner") }
        if old.modified != new.modified { words.append("time") }
        return words.joined(separator: ", ")
    }

    /// The members of an image's root by name.
    private static func members(
        _ directory: FilePath,
        _ document: ImageDocument
    ) throws(RootcellarError) -> [String: Member] {
        let name = document.files["rootfs.tar.zst"] == nil ? "rootfs.tar.xz" : "rootfs.tar.zst"
        let path = directory.appending(name)
        guard let compression = Compression(fileName: name) else { return [:] }
        let pipe = try building("make a pipe", "") { () throws(Errno) in try makePipe() }
        let limit = document.tar.size
        let thread = WorkerThread {
            if let input = try? openPath(path, .readOnly) {
                try? compression.decompress(input, to: pipe.writing, limit: limit)
                input.closeQuietly()
            }
            pipe.writing.closeQuietly()
        }
        defer {
            pipe.reading.closeQuietly()
            thread.join()
        }
        let reader = unsafe TarReader { buffer throws(RootcellarError) in
            do throws(Errno) {
                return try unsafe readSome(pipe.reading, buffer)
            } catch {
                throw systemError(.archive, "cannot read the archive", error, subject: path.string)
            }
        }
        var result: [String: Member] = [:]
        while let entry = try reader.next() {
            var hasher = SHA256Hasher()
            try reader.readContent { bytes throws(RootcellarError) in hasher.update(bytes) }
            result[String(decoding: entry.path, as: UTF8.self)] = Member(
                kind: entry.kind,
                mode: entry.mode,
                owner: "\(entry.uid):\(entry.gid)",
                modified: entry.modified,
                link: entry.linkTarget,
                content: hasher.finish()
            )
        }
        return result
    }
}
