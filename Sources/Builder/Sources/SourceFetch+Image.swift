// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

extension SourceFetch {
    /// Fetches a file and verifies it.
    func verified(_ path: String, _ proofs: [SourceProof]) throws(RootcellarError) -> FetchedFile {
        try expectProof(proofs)
        let file = try file(path)
        try verify(file, proofs)
        return file
    }

    /// Fetches one archive, verifies it, and makes it the root: what most distributions offer.
    ///
    /// - Parameters: below: a directory in the archive which is the root, if it has one of that name.
    func image(
        _ path: String,
        _ proofs: [SourceProof],
        below: String? = nil
    ) throws(RootcellarError) -> OriginState {
        let file = try verified(path, proofs)
        let rootfs = context.directory.rootfs
        let newest = try SourceUnpacking(file: file, log: context.log).run(into: rootfs)
        if let below { try raise(below, in: rootfs) }
        try building("forget", file.path.string) { () throws(Errno) in try truncateAndRewind(file.descriptor) }
        return state(newest)
    }

    /// Makes a directory of the root the root itself.
    private func raise(_ name: String, in rootfs: FilePath) throws(RootcellarError) {
        let inner = try RootfsDirectory(rootfs)
        guard inner.isDirectory("/\(name)") else { return }
        let aside = context.directory.scratch.appending("aside")
        try renameHost(rootfs, to: aside)
        try renameHost(aside.appending(name), to: rootfs)
        try building("empty", aside.string) { () throws(Errno) in try removeHostDirectory(aside) }
    }
}
