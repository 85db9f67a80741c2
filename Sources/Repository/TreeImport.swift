// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// Takes an export into a tree: the same as mirroring, from a file.
package struct TreeImport {
    private let source: ExportSource
    private var mirror: TreeMirror
    private let layout: TreeLayout

    /// Makes the pages for people; nil for none.
    package var pages: (any TreePages)? {
        get { mirror.pages }
        set { mirror.pages = newValue }
    }

    /// Opens an export and looks whether it is whole.
    ///
    /// - Throws: `REPOSITORY` if it is none, `SIZE` or `HASH` if it is damaged.
    package init(
        _ file: FilePath,
        tree: FilePath,
        fingerprint: Fingerprint,
        now: Timestamp
    ) throws(RootcellarError) {
        source = try ExportSource(file)
        layout = TreeLayout(top: tree)
        var mirror = TreeMirror(source: source, tree: tree, fingerprint: fingerprint, now: now)
        let source = source
        mirror.beforeCommit = { () throws(RootcellarError) in try source.checkRest() }
        self.mirror = mirror
    }

    /// Verifies all of it and puts it in force.
    ///
    /// - Throws: what `TreeMirror.run` throws; `POLICY` if it continues a tree that is not this one.
    package func run() throws(RootcellarError) -> (report: MirrorReport, receipt: MirrorReceipt) {
        if let since = source.header.since {
            let pointer = layout.path(TreePath.pointer)
            var version = 0
            if Disk.exists(pointer) {
                let bytes = try Disk.read(pointer, limit: SignedFile.Kind.pointer.limit)
                let file = try SignedFile(reading: bytes, kind: .pointer, subject: pointer.string)
                version = try Pointer(verified: file.payload, subject: pointer.string).manifest.version
            }
            guard version >= since else {
                throw RootcellarError(
                    .policy,
                    "it continues manifest \(since), here is \(version == 0 ? "nothing" : "manifest \(version)")",
                    subject: source.address,
                    hint: "import what was exported before, or export with this tree's receipt"
                )
            }
        }
        let report = try mirror.run()
        let bytes = try Disk.read(
            layout.path(TreePath.manifest(report.manifest)),
            limit: SignedFile.Kind.manifest.limit
        )
        let hash = SHA256Digest(hashing: bytes)
        return (report, MirrorReceipt(server: report.server, manifest: report.manifest, sha256: hash))
    }
}

/// The files in an export, read where they stand.
final class ExportSource: TreeSource {
    let header: ExportHeader
    private let path: FilePath
    private let file: FileDescriptor
    private let places: [String: (offset: Int, file: ExportHeader.File)]
    /// What was read from its beginning to its end, and compared with a signed hash or that of the header.
    private var used: Set<String> = []

    var address: String { path.string }

    init(_ path: FilePath) throws(RootcellarError) {
        self.path = path
        file = try Disk.open(path)
        do throws(RootcellarError) {
            (header, places) = try Self.read(file, path)
        } catch {
            try? file.close()
            throw error
        }
    }

    deinit { try? file.close() }

    private static func read(
        _ file: FileDescriptor,
        _ path: FilePath
    ) throws(RootcellarError) -> (ExportHeader, [String: (offset: Int, file: ExportHeader.File)]) {
        func refused(_ errorClass: ErrorClass, _ why: String) -> RootcellarError {
            RootcellarError(errorClass, why, subject: path.string, hint: "copy it once more, or export it again")
        }
        let total: Int
        do { total = Int(try file.seek(offset: 0, from: .end)) } catch {
            throw Disk.fault("cannot be read", path, error)
        }
        var head: [UInt8] = []
        let line = ExportHeader.magic.count + 84
        try file.deliver(from: 0, count: min(total, line), subject: path) {
            unsafe $0.withUnsafeBytes { unsafe head += $0 }
        }
        guard head.starts(with: ExportHeader.magic) else { throw refused(.repository, "not an export of a tree") }
        let rest = head[ExportHeader.magic.count...]
        guard let end = rest.firstIndex(of: 0x0A) else { throw refused(.size, "it is cut") }
        let words = String(decoding: rest[..<end], as: UTF8.self).split(separator: " ").map(String.init)
        guard words.count == 2, let length = Int(words[0]), (1...ExportHeader.limit).contains(length),
            let hash = SHA256Digest(hex: words[1])
        else { throw refused(.repository, "not an export of a tree") }
        guard length <= total - end - 1 else { throw refused(.size, "it is cut") }
        var bytes: [UInt8] = []
        try file.deliver(from: end + 1, count: length, subject: path) {
            unsafe $0.withUnsafeBytes { unsafe bytes += $0 }
        }
        guard SHA256Digest(hashing: bytes) == hash else { throw refused(.hash, "its header is damaged") }
        let header = try ExportHeader(verified: bytes, subject: path.string)
        var places: [String: (offset: Int, file: ExportHeader.File)] = [:]
        var offset = end + 1 + length
        for file in header.files {
            guard file.size >= 0, places.updateValue((offset, file), forKey: file.path) == nil else {
                throw refused(.repository, "its header makes no sense")
            }
            let (next, overflow) = offset.addingReportingOverflow(file.size)
            guard !overflow, next <= total else { throw refused(.size, "it is cut") }
            offset = next
        }
        guard offset == total else { throw refused(.size, "there is something behind its end") }
        return (header, places)
    }

    func url(of path: String) -> String { "\(self.path): \(path)" }

    func get(_ path: String, limit: Int, exactSize: Int?, etag: String?) throws(RootcellarError) -> GetResult {
        guard let place = places[path] else { return .missing }
        guard place.file.size <= exactSize ?? limit, exactSize ?? place.file.size == place.file.size else {
            throw RootcellarError(
                .size,
                "\(place.file.size) bytes where \(exactSize ?? limit) are expected",
                subject: url(of: path)
            )
        }
        var bytes: [UInt8] = []
        try file.deliver(from: place.offset, count: place.file.size, subject: self.path) {
            unsafe $0.withUnsafeBytes { unsafe bytes += $0 }
        }
        guard SHA256Digest(hashing: bytes) == place.file.sha256 else {
            throw RootcellarError(.hash, "the export is damaged", subject: url(of: path), hint: "copy it once more")
        }
        used.insert(path)
        return .found(bytes: bytes, etag: nil)
    }

    /// Reads what nobody has asked for: a file that is damaged anywhere is not taken.
    func checkRest() throws(RootcellarError) {
        for (path, place) in places where !used.contains(path) {
            var hasher = SHA256Hasher()
            try file.deliver(from: place.offset, count: place.file.size, subject: self.path) { hasher.update($0) }
            guard hasher.finish() == place.file.sha256 else {
                throw RootcellarError(.hash, "the export is damaged", subject: url(of: path), hint: "copy it once more")
            }
        }
    }

    func stream(
        _ path: String,
        from offset: Int,
        size: Int,
        sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) {
        guard let place = places[path] else {
            throw RootcellarError(
                .repository,
                "it is not in the export, and not here",
                subject: url(of: path),
                hint: "export without --since"
            )
        }
        guard place.file.size == size, offset <= size else {
            throw RootcellarError(.size, "\(place.file.size) bytes where \(size) are signed", subject: url(of: path))
        }
        try file.deliver(from: place.offset + offset, count: size - offset, subject: self.path, sink: sink)
        if offset == 0 { used.insert(path) }
    }
}
