// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// The downloader `debootstrap`: an archive of Debian's form.
final class DebootstrapSource: RootSource {
    private let context: BuildContext
    private var bootstrap: Bootstrap?

    init(context: BuildContext) { self.context = context }

    /// The archive as it is now: its lists are fetched and verified, once.
    private func fetched() throws(RootcellarError) -> Bootstrap {
        if let bootstrap { return bootstrap }
        let keyring = try Keyring.write(try Keyring.blocks(context.options), below: context.directory.temporary)
        let new = try Bootstrap(context, keyring: keyring)
        try context.log.step("read the archive") { () throws(RootcellarError) in try new.fetch() }
        bootstrap = new
        return new
    }

    func state() throws(RootcellarError) -> [String: String]? {
        _ = try fetched()
        var state: [String: String] = [:]
        for release in try ReleaseFile.all(in: try RootfsDirectory(context.directory.rootfs)) {
            state["release.\(release.name)"] = release.sha256.description
        }
        return state
    }

    func fill() throws(RootcellarError) -> OriginState {
        let source = context.definition.definition.source
        let bootstrap = try fetched()
        let rootfs = try RootfsDirectory(context.directory.rootfs)
        guard let first = try ReleaseFile.all(in: rootfs).map(\.date).max() else {
            throw RootcellarError(.source, "the archive has no Release file, so that the image would have no date")
        }
        let epoch = try ImageBuilder.epoch(context, rootfs, atLeast: first)
        try install(bootstrap, rootfs, epoch)
        return OriginState(
            epoch: epoch,
            taints: source.skipVerification
                ? ["source.skip_verification: the archive's signatures were not checked"] : []
        )
    }

    private func install(
        _ bootstrap: Bootstrap,
        _ rootfs: RootfsDirectory,
        _ epoch: Timestamp
    ) throws(RootcellarError) {
        guard let cache = context.cache?.bootstraps else {
            return try context.log.step("bootstrap") { () throws(RootcellarError) in
                try bootstrap.install(epoch: epoch)
            }
        }
        var lines = [
            bootstrap.inputs.description, "\(epoch.seconds)", programVersion,
            Provenance.tools()["tool.mmdebstrap"] ?? "",
        ]
        lines += try ReleaseFile.all(in: rootfs).map { "\($0.name) \($0.sha256)" }
        let key = SHA256Digest(hashing: Array(lines.joined(separator: "\n").utf8))
        // Beside the root, which stays what it is if there is nothing, or nothing good, to take.
        let kept = context.directory.scratch.appending("kept")
        if try cache.restore(key, into: kept, context.log) {
            let path = context.directory.rootfs
            try building("replace", path.string) { () throws(Errno) in try removeHostDirectory(path) }
            return try renameHost(kept, to: path)
        }
        try context.log.step("bootstrap") { () throws(RootcellarError) in try bootstrap.install(epoch: epoch) }
        try context.log.step("keep the bootstrap") { () throws(RootcellarError) in
            // Installed by now; those worth keeping are kept as packages.
            try rootfs.empty(AptPaths.archives)
            try cache.keep(key, context.directory.rootfs, epoch: epoch, threads: context.options.threads)
        }
    }
}
