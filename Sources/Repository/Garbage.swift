// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// What a tree holds that no reader may ask for any more.
///
/// Found through the manifests, not by walking: what no manifest ever named is not ours to remove.
struct Garbage {
    /// Manifests, index shards and directories of builds, in the order to remove them: what names before what is named.
    private(set) var paths: [String] = []
    /// Bytes of all of them.
    private(set) var bytes = 0

    /// How long after its replacement a manifest's files stay: as long as the last pointer to it may be believed, and a
    /// day in which a download that it began comes to its end.
    static func grace(_ pointer: Pointer, _ validity: Validity) -> Int64 {
        let told = pointer.validUntil.seconds - pointer.signedAt.seconds
        return max(told, Int64(validity.days[.pointer] ?? 0) * 86400) + 86400
    }

    /// Compares what old manifests name with what the ones in their grace time do. The one in force and the one before
    /// are always among these.
    ///
    /// - Parameter verifiers: of every root document: an old manifest may be signed by a key that has gone.
    /// - Throws: whatever is wrong with a manifest or an index.
    init(
        of tree: CurrentTree,
        verifiers: [TreeVerifier],
        grace: Int64,
        now: Timestamp
    ) throws(RootcellarError) {
        let layout = tree.layout
        let directory = layout.path(TreePath.manifest(1)).removingLastComponent()
        let versions = try Disk.members(directory).compactMap { TreeLayout.number($0, ending: ".signed") }.sorted()
            .filter { $0 <= tree.manifest.version }
        var manifests: [Manifest] = []
        for version in versions { manifests.append(try Self.manifest(version, layout, verifiers)) }
        guard manifests.last?.version == tree.manifest.version else {
            throw RootcellarError(.binding, "the manifest in force is not there", subject: layout.top.string)
        }
        let ended = zip(manifests.dropLast(2), manifests.dropFirst()).prefix {
            $0.1.signedAt.adding(seconds: grace) < now
        }
        .map(\.0)

        var kept: Set<SHA256Digest> = []
        var builds: Set<String> = []
        for manifest in manifests[ended.count...] {
            for (distribution, reference) in manifest.indexes where kept.insert(reference.sha256).inserted {
                try Self.collect(distribution, reference, tree, into: &builds)
            }
        }
        var seen = kept
        var shards: [String] = []
        var candidates: Set<String> = []
        for manifest in ended {
            try add(TreePath.manifest(manifest.version), layout)
            for (distribution, reference) in manifest.indexes where seen.insert(reference.sha256).inserted {
                let path = TreePath.index(reference.sha256)
                guard Disk.exists(layout.path(path)) else { continue }
                try Self.collect(distribution, reference, tree, into: &candidates)
                shards.append(path)
            }
        }
        for path in shards { try add(path, layout) }
        for path in candidates.subtracting(builds).sorted() where Disk.exists(layout.path(path)) {
            try add(path, layout)
        }
    }

    private mutating func add(_ path: String, _ layout: TreeLayout) throws(RootcellarError) {
        paths.append(path)
        bytes += try layout.size(path)
    }

    private static func manifest(
        _ version: Int,
        _ layout: TreeLayout,
        _ verifiers: [TreeVerifier]
    ) throws(RootcellarError) -> Manifest {
        let subject = TreePath.manifest(version)
        let bytes = try Disk.read(layout.path(subject), limit: SignedFile.Kind.manifest.limit)
        let payload = try TreeVerifier.byAny(verifiers.reversed()) { verifier throws(RootcellarError) in
            try verifier.payload(of: bytes, kind: .manifest, subject: subject)
        }
        let manifest = try Manifest(verified: payload, subject: subject)
        guard manifest.version == version else {
            throw RootcellarError(.binding, "the manifest is another version's", subject: subject)
        }
        return manifest
    }

    private static func collect(
        _ distribution: String,
        _ reference: FileReference,
        _ tree: CurrentTree,
        into builds: inout Set<String>
    ) throws(RootcellarError) {
        let shard = try CurrentTree.shard(
            distribution,
            reference,
            server: tree.root.server,
            layout: tree.layout
        )
        for (name, all) in try shard.catalogue(subject: TreePath.index(reference.sha256)) {
            for build in all { builds.insert(TreePath.build(name, build.serial)) }
        }
    }
}
