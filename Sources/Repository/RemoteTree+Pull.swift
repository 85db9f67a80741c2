// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage
import Transfer

/// Brings the documents of a working copy up to date. Only what is new is fetched; each is verified before it is written, and
/// what names others is written after them, so that a run that was killed has nothing that misses something.
extension RemoteTree {
    /// Reads what is in force.
    ///
    /// - Parameter history: whether older manifests are wanted, and what they name.
    /// - Throws: `REPOSITORY` if there is no tree, and whatever is wrong with it.
    func pull(history: Bool = false) throws(RootcellarError) {
        try Disk.makeDirectory(layout.staging, mode: 0o700)
        let answer = try store.get(TreePath.pointer, limit: SignedFile.Kind.pointer.limit)
        guard case .found(let bytes, let etag?) = answer else {
            throw RootcellarError(
                .repository,
                "there is no published tree",
                subject: name,
                hint: "make one with 'rootcellar repo init'"
            )
        }
        pointerETag = etag
        let path = layout.path(TreePath.pointer)
        let known = Disk.exists(path) ? try Disk.read(path, limit: SignedFile.Kind.pointer.limit) : []
        if known != bytes { try take(bytes) }
        if history { try pullHistory() }
    }

    private func take(_ bytes: [UInt8]) throws(RootcellarError) {
        let subject = store.address.name(of: TreePath.pointer)
        let file = try SignedFile(reading: bytes, kind: .pointer, subject: subject)
        // Chooses only; the publisher's own keys decide afterwards whose tree this is (`CurrentTree`).
        let named = try Pointer(verified: file.payload, subject: subject)
        let verifier = try takeRoots(to: named.root)
        let pointer = try Pointer(
            verified: verifier.payload(of: bytes, kind: .pointer, subject: subject),
            subject: subject
        )
        let path = TreePath.manifest(pointer.manifest.version)
        let manifestBytes = try document(path, pointer.manifest.file, limit: SignedFile.Kind.manifest.limit)
        let manifest = try Manifest(
            verified: verifier.payload(of: manifestBytes, kind: .manifest, subject: path),
            subject: path
        )
        for (distribution, reference) in manifest.indexes {
            let index = TreePath.index(reference.sha256)
            guard !Disk.exists(layout.path(index)) else { continue }
            try takeShard(of: distribution, reference, isWanted: true)
        }
        try layout.put(manifestBytes, at: path)
        try layout.put(bytes, at: TreePath.pointer)
    }

    /// Root documents up to a number, each signed by the keys of the one before.
    private func takeRoots(to newest: Int) throws(RootcellarError) -> TreeVerifier {
        guard (1...100_000).contains(newest) else {
            throw RootcellarError(.binding, "root document \(newest)", subject: name)
        }
        let names = try Disk.members(layout.path(TreePath.root(1)).removingLastComponent())
        let local = names.compactMap { TreeLayout.number($0, ending: ".signed") }
        for extra in local where extra > newest {
            try Disk.remove(layout.path(TreePath.root(extra)))
            try Disk.remove(layout.path(TreePath.rootKeys(extra)))
        }
        var previous: TreeVerifier?
        for version in max(1, local.filter { $0 <= newest }.max() ?? 1)...newest {
            let path = TreePath.root(version)
            let isNew = !Disk.exists(layout.path(path))
            let bytes =
                isNew
                ? try small(path, limit: SignedFile.Kind.root.limit)
                : try Disk.read(layout.path(path), limit: SignedFile.Kind.root.limit)
            let file = try SignedFile(reading: bytes, kind: .root, subject: path)
            let verifier = try TreeVerifier(root: RootDocument(verified: file.payload, subject: path), now: currentTime)
            _ = try verifier.payload(of: bytes, kind: .root, subject: path)
            _ = try previous?.payload(of: bytes, kind: .root, subject: path)
            guard verifier.root.version == version else {
                throw RootcellarError(.binding, "the root document is another version's", subject: path)
            }
            if isNew {
                let keys = try small(TreePath.rootKeys(version), limit: PublicKeyBlock.sizeLimit)
                guard try TreeInitialiser.rootKeys(verifier.root) == keys else {
                    throw RootcellarError(
                        .binding,
                        "the keys are not those of the root document beside them",
                        subject: TreePath.rootKeys(version)
                    )
                }
                try layout.put(keys, at: TreePath.rootKeys(version))
                try layout.put(bytes, at: path)
            }
            previous = verifier
        }
        guard let previous else { throw RootcellarError(.internal, "no root document") }
        return previous
    }

    /// The manifests of before, and the shards and documents that they name as far as they are still there. They are verified
    /// by whoever decides what may go.
    private func pullHistory() throws(RootcellarError) {
        let directory = TreePath.manifest(1).split(separator: "/").dropLast().joined(separator: "/")
        var there: Set<String> = []
        for entry in try store.list(directory + "/") { there.insert(entry.path) }
        for name in try Disk.members(layout.path(directory)) where !there.contains("\(directory)/\(name)") {
            try Disk.remove(layout.path("\(directory)/\(name)"))
        }
        let missing = there.filter { !Disk.exists(layout.path($0)) }
        if missing.isEmpty { return }
        let shards = Set(try store.list("rootcellar/index/").map(\.path))
        for path in missing.sorted() {
            guard let name = path.split(separator: "/").last,
                TreeLayout.number(String(name), ending: ".signed") != nil
            else { continue }
            let bytes = try small(path, limit: SignedFile.Kind.manifest.limit)
            let file = try SignedFile(reading: bytes, kind: .manifest, subject: path)
            let manifest = try Manifest(verified: file.payload, subject: path)
            for (distribution, reference) in manifest.indexes {
                let index = TreePath.index(reference.sha256)
                guard shards.contains(index), !Disk.exists(layout.path(index)) else { continue }
                try takeShard(of: distribution, reference, isWanted: false)
            }
            try layout.put(bytes, at: path)
        }
    }

    /// An index shard, after the documents that it names.
    ///
    /// - Parameter isWanted: whether a document that is not there any more is an error.
    private func takeShard(
        of distribution: String,
        _ reference: FileReference,
        isWanted: Bool
    ) throws(RootcellarError) {
        let path = TreePath.index(reference.sha256)
        let bytes = try document(path, reference, limit: 64 << 20)
        let shard = try IndexShard(verified: bytes, subject: path)
        for (name, builds) in try shard.catalogue(subject: distribution) {
            for build in builds { try takeDocument(of: name, build, isWanted: isWanted) }
        }
        try layout.put(bytes, at: path)
    }

    private func takeDocument(
        of name: ImageName,
        _ build: IndexShard.Build,
        isWanted: Bool
    ) throws(RootcellarError) {
        let path = TreePath.file(name, build.serial, ImageDocument.fileName)
        guard !Disk.exists(layout.path(path)) else { return }
        guard (0...ImageDocument.limit).contains(build.image.size) else {
            throw RootcellarError(.size, "an image document of \(build.image.size) bytes", subject: path)
        }
        let answer = try store.get(path, limit: build.image.size, exactSize: build.image.size)
        guard case .found(let bytes, _) = answer else {
            if isWanted { throw missing(path) }
            return
        }
        try build.image.check(bytes, subject: path)
        try layout.put(bytes, at: path)
    }

    /// The big files that patches are made from, for as long as they are needed.
    func takeBase(_ directory: String, _ files: [String: ImageDocument.File]) throws(RootcellarError) {
        for (name, file) in files {
            let path = "\(directory)/\(name)"
            guard !Disk.exists(layout.path(path)) else { continue }
            let staged = layout.path(path + ".part")
            let hash = try store.copy(path, size: file.size, to: staged)
            guard hash == file.sha256 else {
                try Disk.remove(staged)
                throw RootcellarError(
                    .hash,
                    "SHA-256 is \(hash), signed is \(file.sha256)",
                    subject: store.address.name(of: path)
                )
            }
            try Disk.rename(staged, to: layout.path(path))
        }
    }

    private func document(_ path: String, _ reference: FileReference, limit: Int) throws(RootcellarError) -> [UInt8] {
        guard (0...limit).contains(reference.size) else {
            throw RootcellarError(.size, "\(reference.size) bytes where at most \(limit) are taken", subject: path)
        }
        let answer = try store.get(path, limit: reference.size, exactSize: reference.size)
        guard case .found(let bytes, _) = answer else { throw missing(path) }
        try reference.check(bytes, subject: store.address.name(of: path))
        return bytes
    }

    private func small(_ path: String, limit: Int) throws(RootcellarError) -> [UInt8] {
        guard case .found(let bytes, _) = try store.get(path, limit: limit) else { throw missing(path) }
        return bytes
    }

    private func missing(_ path: String) -> RootcellarError {
        RootcellarError(.repository, "an object of the tree is not there", subject: store.address.name(of: path))
    }
}
