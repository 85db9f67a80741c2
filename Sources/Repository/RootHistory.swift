// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage

/// All root documents of a tree, each vouched for by the one before, one of them by the pinned key.
struct RootHistory {
    /// One verifier for each root document, oldest first.
    let verifiers: [TreeVerifier]
    /// The files read, by path.
    let contents: [String: [UInt8]]

    /// Their sizes.
    var files: [String: Int] { contents.mapValues(\.count) }

    /// Reads those of a tree in a directory.
    init(
        _ layout: TreeLayout,
        _ snapshot: TreeSnapshot,
        fingerprint: Fingerprint,
        now: Timestamp
    ) throws(RootcellarError) {
        let newest = try layout.rootInForce(journal: snapshot.journal, pointer: snapshot.pointer)
        try self.init(newest: newest, fingerprint: fingerprint, now: now) { path, limit throws(RootcellarError) in
            try Disk.read(layout.path(path), limit: limit)
        }
    }

    /// - Parameter read: gives a file of at most so many bytes.
    /// - Throws: `SIGNATURE` if the pinned key is not among the root keys, or a document is not signed as it must be;
    ///   `BINDING` if documents do not fit together; `FREEZE` if the newest has expired.
    init(
        newest: Int,
        fingerprint: Fingerprint,
        now: Timestamp,
        read: (_ path: String, _ limit: Int) throws(RootcellarError) -> [UInt8]
    ) throws(RootcellarError) {
        var verifiers: [TreeVerifier] = []
        var contents: [String: [UInt8]] = [:]
        var isPinned = false
        for version in 1...newest {
            let path = TreePath.root(version)
            let keysPath = TreePath.rootKeys(version)
            let bytes = try read(path, SignedFile.Kind.root.limit)
            let keys = try read(keysPath, PublicKeyBlock.sizeLimit)
            let file = try SignedFile(reading: bytes, kind: .root, subject: path)
            try requireTidy(file.signatures, subject: path)
            let signers = Set(try PublicKeyBlock.primaryFingerprints(keys, subject: keysPath))
            isPinned = isPinned || signers.contains(fingerprint)
            // The keys beside the document have to have signed it before its own list is read.
            _ = try Verifier(publicKeys: [keys], expecting: signers).verify(
                SignedFile.signedBytes(kind: .root, payload: file.payload),
                signatures: file.signatures,
                by: signers,
                threshold: 1,
                now: now,
                subject: path
            )
            let root = try RootDocument(verified: file.payload, subject: path)
            guard root.version == version, verifiers.last.map({ $0.root.server == root.server }) ?? true else {
                throw RootcellarError(.binding, "the root document is another version's or server's", subject: path)
            }
            let verifier = try TreeVerifier(root: root, now: now)
            _ = try verifier.payload(of: bytes, kind: .root, subject: path)
            _ = try verifiers.last?.payload(of: bytes, kind: .root, subject: path)
            guard try TreeInitialiser.rootKeys(root) == keys else {
                throw RootcellarError(
                    .binding,
                    "the keys are not those of the root document beside them",
                    subject: keysPath
                )
            }
            verifiers.append(verifier)
            contents[path] = bytes
            contents[keysPath] = keys
        }
        guard isPinned else {
            throw RootcellarError(
                .signature,
                "the given key is not a root key of this tree",
                subject: fingerprint.hex,
                hint: "compare the fingerprint with the one that the publisher announces"
            )
        }
        if let root = verifiers.last?.root, root.expires <= now {
            throw RootcellarError(
                .freeze,
                "the root document expired at \(root.expires)",
                subject: TreePath.root(newest),
                hint: "sign a new one"
            )
        }
        self.verifiers = verifiers
        self.contents = contents
    }
}
