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
    /// The image documents of the builds that were checked, by hash, shortened.
    var images: [SHA256Digest: ImageDocument] = [:]
    /// What an earlier check has read, and what this one has.
    var before: CheckState?
    var after: CheckState?
    /// How many builds are read to the last byte; nil for all.
    var sample: Int?
    /// Where they are read from if this is a likeness of a tree in an object store.
    var remote: RemoteCopy?
    var report = CheckReport(server: "", root: 0, manifest: 0, validUntil: Timestamp(seconds: 0))

    var server: String { verifier.root.server }

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
            let hash = SHA256Digest(hashing: bytes)
            let payload: [UInt8]
            if version < current, before?.manifests[version] == hash {
                payload = try SignedFile(reading: bytes, kind: .manifest, subject: subject).payload
            } else {
                payload = try tidyPayload(bytes, .manifest, allowed, subject)
            }
            after?.manifests[version] = hash
            let manifest = try Manifest(verified: payload, subject: subject)
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
        var current: Set<String> = []
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
                        if isCurrent { current.insert(path) }
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
        let chosen = sample.map { Set(builds.keys.shuffled().prefix($0)) }
        for (path, (name, build)) in builds.sorted(by: { $0.key < $1.key }) {
            do throws(RootcellarError) {
                guard chosen?.contains(path) ?? true else {
                    try glance(name, build)
                    continue
                }
                if try isUnchanged(path, build) {
                    report.unchanged += 1
                    continue
                }
                let names = try files(path, build)
                let stamps = CheckState.stamps(names, in: layout.path(path))
                try remote?.fill(path)
                try check(name, build)
                try remote?.drain(path)
                report.read += 1
                if let stamps { after?.builds[path] = CheckState.Build(image: build.image.sha256, files: stamps) }
            } catch {
                // Pruning may take away what an old manifest names while this runs.
                if current.contains(path) || Disk.exists(layout.path(path)) { throw error }
                for gone in known.keys where gone.hasPrefix("\(path)/") { known[gone] = nil }
            }
        }
    }

    /// The document of a build, which is remembered for the catalogues.
    mutating func document(_ name: ImageName, _ build: IndexShard.Build) throws(RootcellarError) -> ImageDocument {
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
        // What the catalogues need, without the long lists of packages.
        var short = document
        short.packages = []
        short.inputs = [:]
        short.files = document.files.mapValues { ImageDocument.File(size: $0.size, sha256: $0.sha256) }
        images[build.image.sha256] = short
        return document
    }

    private mutating func check(_ name: ImageName, _ build: IndexShard.Build) throws(RootcellarError) {
        let directory = TreePath.build(name, build.serial)
        let document = try document(name, build)
        let subject = "\(directory)/\(ImageDocument.fileName)"
        for (file, expected) in document.files.sorted(by: { $0.key < $1.key }) {
            let path = "\(directory)/\(file)"
            let open = try Disk.open(layout.path(path))
            defer { try? open.close() }
            try FileHash(of: open, expected: expected, path: layout.path(path)).check(expected, subject: path)
            known[path] = expected.size
        }
        if build.tested { try checkTests(document, in: directory) }
        if let fingerprints = document.fingerprints,
            try fingerprints != StagedBuild.fingerprints(document, in: layout.path(directory))
        {
            throw RootcellarError(
                .hash,
                "the fingerprints for LXD and Incus are not those of the files",
                subject: subject
            )
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
            try TreeVerifier.byAny(verifiers.reversed()) { verifier throws(RootcellarError) in
                try verifier.release(file: open, signatures: signature, subject: path)
            }
            known[path] = signature.count
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
                let isLink = path == TreePath.legacyIndexes || path == TreePath.streams
                guard kind == S_IFLNK ? isLink : status.st_mode & 0o444 == 0o444 else {
                    throw unreadable(path)
                }
            } else if TreePath.Page.isOne(path) {
                // Derived and unsigned; whether they are right is nobody's safety.
                guard kind == S_IFREG, status.st_mode & 0o444 == 0o444 else { throw unreadable(path) }
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

    /// Whether the pages are of now, unless somebody has published since.
    mutating func pages(_ pointer: Pointer, _ manifests: [Manifest]) {
        guard let manifest = manifests.last else { return }
        let state = PublishedState(root: verifier.root, manifest: manifest, pointer: pointer)
        let isOfNow = LayoutFiles(layout: layout).arePages(of: state)
        let now = try? Disk.read(layout.path(TreePath.pointer), limit: SignedFile.Kind.pointer.limit)
        if now == snapshot.pointer { report.pagesAreCurrent = isOfNow }
    }

    private func unreadable(_ path: String) -> RootcellarError {
        RootcellarError(.repository, "other users cannot read it", subject: path, hint: "chmod a+rX")
    }

    /// What a publication that was interrupted, or that ended while this check ran, accounts for.
    private func isLeftover(_ path: String) -> Bool {
        guard known[path] == nil, !isDerived(path) else { return false }
        let journal = snapshot.journal ?? (try? Journal.read(layout)) ?? nil
        if let journal {
            if journal.all.contains(where: { path == $0 || path.hasPrefix($0 + "/") }) { return true }
            return FlippedDirectory.legacy(layout).isTemporary(path)
                || FlippedDirectory.streams(layout).isTemporary(path)
        }
        let pointer = try? Disk.read(layout.path(TreePath.pointer), limit: SignedFile.Kind.pointer.limit)
        return pointer != snapshot.pointer
    }

    /// Whether a path is in a directory that is in force.
    private func isDerived(_ path: String) -> Bool {
        [(FlippedDirectory.legacy(layout), snapshot.legacy), (.streams(layout), snapshot.streams)].contains {
            guard let version = $0.1.flatMap($0.0.version(of:)) else { return false }
            let directory = $0.0.relativePath(version)
            return path == directory || path.hasPrefix(directory + "/")
        }
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
        return try TreeVerifier.byAny(verifiers) { verifier throws(RootcellarError) in
            try verifier.payload(of: bytes, kind: kind, subject: subject)
        }
    }
}
