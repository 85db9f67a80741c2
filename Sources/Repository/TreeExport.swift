// SPDX-License-Identifier: Apache-2.0

package import Model
import OpenPGP
package import SystemPackage

/// Puts a tree, or what has come into it since, into one file for a place without a network.
package struct TreeExport {
    private let layout: TreeLayout
    private let fingerprint: Fingerprint
    private let now: Timestamp

    /// What was written.
    package struct Report: Codable, Sendable, Hashable {
        package var server: String
        package var manifest: Int
        /// The manifest that it continues; nil if it is whole.
        package var since: Int?
        /// Until when it can be imported.
        package var validUntil: Timestamp
        package var builds = 0
        package var files = 0
        package var bytes = 0
    }

    /// A file of the export: small ones in memory, as they were at one moment.
    private enum Content {
        case bytes([UInt8])
        case file(FileReference)
    }

    /// - Parameters:
    ///   - tree: the directory of the tree; no keys are needed.
    ///   - fingerprint: a root key of its publisher.
    ///   - now: the clock to judge by.
    package init(tree: FilePath, fingerprint: Fingerprint, now: Timestamp) {
        layout = TreeLayout(top: tree)
        self.fingerprint = fingerprint
        self.now = now
    }

    /// Writes the file; every byte of the tree that goes into it is verified on the way.
    ///
    /// - Parameters:
    ///   - output: an empty file.
    ///   - receipt: of the import that it continues; nil for a whole tree.
    /// - Throws: `POLICY` if the receipt is of another tree, or older than what is left of it; what a check throws.
    package func run(to output: FileDescriptor, since receipt: MirrorReceipt?) throws(RootcellarError) -> Report {
        let snapshot = try TreeSnapshot(layout)
        let history = try RootHistory(layout, snapshot, fingerprint: fingerprint, now: now)
        guard let verifier = history.verifiers.last else { throw RootcellarError(.internal, "no root document") }
        let pointer = try Pointer(
            verified: verifier.payload(of: snapshot.pointer, kind: .pointer, subject: TreePath.pointer),
            subject: TreePath.pointer
        )
        guard pointer.validUntil > now else {
            throw RootcellarError(
                .freeze,
                "the pointer was valid until \(pointer.validUntil)",
                subject: layout.top.string,
                hint: "refresh the tree first: nobody could import this"
            )
        }
        let (manifest, manifestBytes) = try self.manifest(pointer.manifest.version, [verifier])
        try pointer.manifest.file.check(manifestBytes, subject: TreePath.manifest(manifest.version))
        let (there, shardsThere) = try known(receipt, manifest, history.verifiers)

        var report = Report(
            server: verifier.root.server,
            manifest: manifest.version,
            since: receipt?.manifest,
            validUntil: min(pointer.validUntil, manifest.validUntil, verifier.root.expires)
        )
        var contents: [(path: String, content: Content)] = history.contents.sorted { $0.key < $1.key }
            .map { ($0.key, .bytes($0.value)) }
        contents.append((TreePath.pointer, .bytes(snapshot.pointer)))
        contents.append((TreePath.manifest(manifest.version), .bytes(manifestBytes)))
        try addIndexes(snapshot, manifest, to: &contents)
        for (distribution, reference) in manifest.indexes.sorted(by: { $0.key < $1.key }) {
            let path = TreePath.index(reference.sha256)
            let shard = try CurrentTree.shard(distribution, reference, server: report.server, layout: layout)
            if !shardsThere.contains(reference.sha256) {
                contents.append((path, .bytes(try Disk.read(layout.path(path), limit: max(reference.size, 0)))))
            }
            for (name, builds) in try shard.catalogue(subject: path) {
                for build in builds where !there.contains(TreePath.build(name, build.serial)) {
                    report.builds += 1
                    try add(name, build, to: &contents)
                }
            }
        }
        let header = ExportHeader(
            server: report.server,
            manifest: manifest.version,
            since: receipt?.manifest,
            files: contents.map { path, content in
                let reference =
                    switch content {
                    case .bytes(let bytes): FileReference(of: bytes)
                    case .file(let reference): reference
                    }
                return ExportHeader.File(path: path, size: reference.size, sha256: reference.sha256)
            }
        )
        try write(try header.bytes(), to: output)
        for (path, content) in contents {
            switch content {
            case .bytes(let bytes): try write(bytes, to: output)
            case .file(let reference): try copy(path, reference, to: output)
            }
        }
        report.files = header.files.count
        report.bytes = header.files.reduce(0) { $0 + $1.size }
        return report
    }

    private func manifest(
        _ version: Int,
        _ verifiers: [TreeVerifier]
    ) throws(RootcellarError) -> (Manifest, [UInt8]) {
        let subject = TreePath.manifest(version)
        let bytes = try Disk.read(layout.path(subject), limit: SignedFile.Kind.manifest.limit)
        let payload = try TreeVerifier.byAny(verifiers.reversed()) { verifier throws(RootcellarError) in
            try verifier.payload(of: bytes, kind: .manifest, subject: subject)
        }
        return (try Manifest(verified: payload, subject: subject), bytes)
    }

    /// What the place that the receipt is from has.
    private func known(
        _ receipt: MirrorReceipt?,
        _ current: Manifest,
        _ verifiers: [TreeVerifier]
    ) throws(RootcellarError) -> (builds: Set<String>, shards: Set<SHA256Digest>) {
        guard let receipt else { return ([], []) }
        func refused(_ why: String) -> RootcellarError {
            RootcellarError(.policy, why, subject: "receipt", hint: "export without --since")
        }
        guard receipt.server == current.server else {
            throw refused("the receipt is of '\(receipt.server)', this is '\(current.server)'")
        }
        guard receipt.manifest <= current.version else {
            throw refused("the receipt is of manifest \(receipt.manifest), in force here is \(current.version)")
        }
        guard Disk.exists(layout.path(TreePath.manifest(receipt.manifest))) else {
            throw refused("manifest \(receipt.manifest) of the receipt is here no more")
        }
        let (manifest, bytes) = try self.manifest(receipt.manifest, verifiers)
        guard SHA256Digest(hashing: bytes) == receipt.sha256 else {
            throw refused("manifest \(receipt.manifest) of the receipt is another one here")
        }
        var builds: Set<String> = []
        for (distribution, reference) in manifest.indexes {
            let path = TreePath.index(reference.sha256)
            guard Disk.exists(layout.path(path)) else { continue }
            let shard = try CurrentTree.shard(distribution, reference, server: manifest.server, layout: layout)
            for (name, all) in try shard.catalogue(subject: path) {
                for build in all { builds.insert(TreePath.build(name, build.serial)) }
            }
        }
        return (builds, Set(manifest.indexes.values.map(\.sha256)))
    }

    private func addIndexes(
        _ snapshot: TreeSnapshot,
        _ manifest: Manifest,
        to contents: inout [(path: String, content: Content)]
    ) throws(RootcellarError) {
        for (directory, target) in [
            (FlippedDirectory.legacy(layout), snapshot.legacy), (.streams(layout), snapshot.streams),
        ] {
            guard target.flatMap(directory.version(of:)) == manifest.version else {
                throw RootcellarError(
                    .repository,
                    "a publication was interrupted, or has just ended",
                    subject: layout.top.string,
                    hint: "export again; if that does not help, refresh the tree"
                )
            }
            let path = directory.relativePath(manifest.version)
            for name in try Disk.members(layout.path(path)).sorted() {
                let bytes = try Disk.read(layout.path("\(path)/\(name)"), limit: 128 << 20)
                contents.append(("\(directory.path)/\(name)", .bytes(bytes)))
            }
        }
    }

    private func add(
        _ name: ImageName,
        _ build: IndexShard.Build,
        to contents: inout [(path: String, content: Content)]
    ) throws(RootcellarError) {
        let directory = TreePath.build(name, build.serial)
        let path = "\(directory)/\(ImageDocument.fileName)"
        let bytes = try Disk.read(layout.path(path), limit: min(max(build.image.size, 0), ImageDocument.limit))
        try build.image.check(bytes, subject: path)
        let document = try ImageDocument(verified: bytes, subject: path)
        try ImageSource.check(document, subject: path)
        contents.append((path, .file(build.image)))
        for (file, expected) in document.files.sorted(by: { $0.key < $1.key }) {
            contents.append(("\(directory)/\(file)", .file(expected.reference)))
        }
        for file in ImageSource.signed {
            let path = "\(directory)/\(file).asc"
            contents.append((path, .bytes(try Disk.read(layout.path(path), limit: SignedFile.signatureLimit))))
        }
    }

    private func copy(_ path: String, _ reference: FileReference, to output: FileDescriptor) throws(RootcellarError) {
        let file = try Disk.open(layout.path(path))
        defer { try? file.close() }
        var hasher = SHA256Hasher()
        try file.deliver(from: 0, count: reference.size, subject: layout.path(path)) { bytes throws(RootcellarError) in
            hasher.update(bytes)
            do { _ = try unsafe bytes.withUnsafeBytes { unsafe try output.writeAll($0) } } catch {
                throw RootcellarError(.repository, "the export cannot be written (\(error))")
            }
        }
        guard hasher.finish() == reference.sha256 else {
            throw RootcellarError(.hash, "not the bytes that are signed", subject: path, hint: "check the tree first")
        }
    }

    private func write(_ bytes: [UInt8], to output: FileDescriptor) throws(RootcellarError) {
        do { try output.writeAll(bytes) } catch {
            throw RootcellarError(.repository, "the export cannot be written (\(error))")
        }
    }
}
