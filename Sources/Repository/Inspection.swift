// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// One run of a check, and what it has seen so far.
struct Inspection {
    let layout: TreeLayout
    /// Of all root documents, oldest first.
    let verifiers: [TreeVerifier]
    /// Of the root document in force.
    let verifier: TreeVerifier
    let snapshot: TreeSnapshot
    let now: Timestamp
    /// Every file that was checked, with its size.
    var known: [String: Int] = [:]
    var report = CheckReport(server: "", root: 0, manifest: 0, validUntil: Timestamp(seconds: 0))

    private var server: String { verifier.root.server }

    /// The pointer, and every manifest up to the one in force, oldest first.
    mutating func documents() throws(RootcellarError) -> (Pointer, [Manifest]) {
        let subject = TreePath.pointer
        let pointer = try Pointer(
            verified: tidyPayload(snapshot.pointer, .pointer, [verifier], subject),
            subject: subject
        )
        guard pointer.server == server, pointer.root == verifier.root.version else {
            throw RootcellarError(.binding, "the pointer is another server's or root's", subject: subject)
        }
        try requireValid(pointer.signedAt, pointer.validUntil, subject)
        known[subject] = snapshot.pointer.count

        var manifests: [Manifest] = []
        let directory = layout.path(TreePath.manifest(1)).removingLastComponent()
        let versions = try Disk.members(directory).compactMap { TreeLayout.number($0, ending: ".signed") }.sorted()
        let current = pointer.manifest.version
        for version in Set(versions + [current]).sorted() where version <= current {
            let subject = TreePath.manifest(version)
            let bytes = try Disk.read(layout.path(subject), limit: SignedFile.Kind.manifest.limit)
            if version == current { try pointer.manifest.file.check(bytes, subject: subject) }
            // An old one may be signed by a key that a later root document took away.
            let allowed = version == current ? [verifier] : verifiers.reversed()
            let manifest = try Manifest(verified: tidyPayload(bytes, .manifest, allowed, subject), subject: subject)
            guard manifest.version == version, manifest.server == server else {
                throw RootcellarError(.binding, "the manifest is another version's or server's", subject: subject)
            }
            if version == current { try requireValid(manifest.signedAt, manifest.validUntil, subject) }
            manifests.append(manifest)
            known[subject] = bytes.count
        }
        return (pointer, manifests)
    }

    /// Every shard that a manifest names, and every build that a shard names. Only those of the manifest in force have
    /// to be there: old ones are pruned some day.
    mutating func shardsAndBuilds(_ manifests: [Manifest]) throws(RootcellarError) {
        var builds: [String: (name: ImageName, build: IndexShard.Build)] = [:]
        for (number, manifest) in manifests.enumerated().reversed() {
            let isCurrent = number == manifests.count - 1
            for (distribution, reference) in manifest.indexes.sorted(by: { $0.key < $1.key }) {
                let subject = TreePath.index(reference.sha256)
                if known[subject] != nil { continue }
                if !isCurrent, !Disk.exists(layout.path(subject)) { continue }
                let shard = try CurrentTree.shard(distribution, reference, server: server, layout: layout)
                known[subject] = reference.size
                for (name, all) in try shard.catalogue(subject: subject) {
                    if isCurrent {
                        report.images += 1
                        report.builds += all.count
                    }
                    for build in all {
                        let path = TreePath.build(name, build.serial)
                        if let other = builds[path] {
                            guard other.build.image == build.image else {
                                throw RootcellarError(.binding, "two indexes disagree about a build", subject: path)
                            }
                        } else if isCurrent || Disk.exists(layout.path(path)) {
                            builds[path] = (name, build)
                        }
                    }
                }
            }
        }
        for (_, (name, build)) in builds.sorted(by: { $0.key < $1.key }) { try check(name, build) }
    }

    private mutating func check(_ name: ImageName, _ build: IndexShard.Build) throws(RootcellarError) {
        let directory = TreePath.build(name, build.serial)
        let subject = "\(directory)/\(ImageDocument.fileName)"
        let bytes = try Disk.read(layout.path(subject), limit: min(max(build.image.size, 0), ImageDocument.limit))
        try build.image.check(bytes, subject: subject)
        let document = try ImageDocument(verified: bytes, subject: subject)
        guard try document.name() == name, document.serial == build.serial else {
            throw RootcellarError(.binding, "the image document is another image's or build's", subject: subject)
        }
        try ImageSource.check(document, subject: subject)
        known[subject] = bytes.count
        for (file, expected) in document.files.sorted(by: { $0.key < $1.key }) {
            let path = "\(directory)/\(file)"
            let open = try Disk.open(layout.path(path))
            defer { try? open.close() }
            try FileHash(of: open, expected: expected, path: layout.path(path)).check(expected, subject: path)
            known[path] = expected.size
        }
        let sums = "\(directory)/\(ImageSource.checksums)"
        let expected = ImageSource.checksums(document, image: build.image.sha256)
        guard try Disk.read(layout.path(sums), limit: expected.count) == expected else {
            throw RootcellarError(.hash, "the checksums are not those of image.json", subject: sums)
        }
        known[sums] = expected.count
        for file in ImageSource.signed {
            let open = try Disk.open(layout.path("\(directory)/\(file)"))
            defer { try? open.close() }
            let path = "\(directory)/\(file).asc"
            let signature = try Disk.read(layout.path(path), limit: SignedFile.signatureLimit)
            try requireTidy(signature, subject: path)
            try byAnyRoot(verifiers.reversed()) { verifier throws(RootcellarError) in
                try verifier.release(file: open, signatures: signature, subject: path)
            }
            known[path] = signature.count
        }
    }

    /// The indexes for stock clients: of the manifest in force, or of the one before while a publication is unfinished.
    mutating func legacyIndexes(_ manifests: [Manifest]) throws(RootcellarError) {
        let subject = TreePath.legacyIndexes
        guard let name = snapshot.legacy, let version = TreeLayout.legacyVersion(name) else {
            throw RootcellarError(.repository, "the indexes for stock clients are missing", subject: subject)
        }
        guard let manifest = manifests.first(where: { $0.version == version }),
            version == report.manifest || snapshot.journal != nil
        else {
            throw RootcellarError(
                .repository,
                "the indexes for stock clients are of manifest \(version) instead of \(report.manifest)",
                subject: subject,
                hint: "publish again"
            )
        }
        known[subject] = name.utf8.count
        let expected = try LegacyIndexes.index(manifest, server: server, layout: layout).bytes
        var verified: Set<[UInt8]> = []
        for file in LegacyIndex.names {
            let path = "meta/\(name)/\(file)"
            let bytes = try Disk.read(layout.path(path), limit: expected.count)
            guard bytes == expected else {
                throw RootcellarError(
                    .binding,
                    "the index for stock clients is not that of the manifest",
                    subject: path
                )
            }
            let signature = try Disk.read(layout.path(path + ".asc"), limit: SignedFile.signatureLimit)
            try requireTidy(signature, subject: path + ".asc")
            if verified.insert(signature).inserted {
                try verifier.release(bytes, signatures: signature, subject: path + ".asc")
            }
            known[path] = bytes.count
            known[path + ".asc"] = signature.count
        }
    }

    /// Walks the whole tree for what nothing signed names, and for what a web server could not read.
    mutating func strays(_ directory: String) throws(RootcellarError) {
        let names = try Disk.members(directory.isEmpty ? layout.top : layout.path(directory)).sorted()
        for name in names {
            let path = directory.isEmpty ? name : "\(directory)/\(name)"
            if path == TreeLayout.hidden {
                report.leftovers += try Disk.members(layout.staging).map { "\(path)/tmp/\($0)" }
                continue
            }
            var status = stat()
            guard unsafe lstat(layout.path(path).string, &status) == 0 else { continue }
            let kind = status.st_mode & S_IFMT
            if kind == S_IFDIR, !isLeftover(path) {
                guard status.st_mode & 0o555 == 0o555 else { throw unreadable(path) }
                try strays(path)
            } else if known[path] != nil {
                guard kind == S_IFLNK ? path == TreePath.legacyIndexes : status.st_mode & 0o444 == 0o444 else {
                    throw unreadable(path)
                }
            } else if isLeftover(path) {
                report.leftovers.append(path)
            } else {
                throw RootcellarError(
                    .repository,
                    "nothing that is signed names this file",
                    subject: path,
                    hint: "remove it"
                )
            }
        }
    }

    private func unreadable(_ path: String) -> RootcellarError {
        RootcellarError(.repository, "other users cannot read it", subject: path, hint: "chmod a+rX")
    }

    /// What a publication that was interrupted, or that ended while this check ran, accounts for.
    private func isLeftover(_ path: String) -> Bool {
        guard known[path] == nil else { return false }
        let journal = snapshot.journal ?? (try? Journal.read(layout)) ?? nil
        if let journal {
            if journal.paths.contains(where: { path == $0 || path.hasPrefix($0 + "/") }) { return true }
            return path.hasPrefix("meta/.1.0-") || path == "meta/.1.0.new"
        }
        let pointer = try? Disk.read(layout.path(TreePath.pointer), limit: SignedFile.Kind.pointer.limit)
        return pointer != snapshot.pointer
    }

    private func requireValid(_ from: Timestamp, _ until: Timestamp, _ subject: String) throws(RootcellarError) {
        guard from <= now.adding(seconds: 600) else {
            throw RootcellarError(.clock, "signed at \(from), but it is \(now) here", subject: subject)
        }
        guard now < until else {
            throw RootcellarError(.freeze, "it was valid until \(until)", subject: subject, hint: "publish again")
        }
    }

    private func tidyPayload(
        _ bytes: [UInt8],
        _ kind: SignedFile.Kind,
        _ verifiers: [TreeVerifier],
        _ subject: String
    ) throws(RootcellarError) -> [UInt8] {
        try requireTidy(SignedFile(reading: bytes, kind: kind, subject: subject).signatures, subject: subject)
        return try byAnyRoot(verifiers) { verifier throws(RootcellarError) in
            try verifier.payload(of: bytes, kind: kind, subject: subject)
        }
    }

    /// The result of the first verifier that accepts; the first one's error if none does.
    private func byAnyRoot<Result>(
        _ verifiers: [TreeVerifier],
        _ body: (TreeVerifier) throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        var first: RootcellarError?
        for verifier in verifiers {
            do throws(RootcellarError) { return try body(verifier) } catch { first = first ?? error }
        }
        throw first ?? RootcellarError(.internal, "nothing to verify with")
    }
}
