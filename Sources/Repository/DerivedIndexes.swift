// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP
import SystemPackage

/// All that is derived for clients of other kinds, each in a directory that changes as a whole.
struct DerivedIndexes {
    let layout: TreeLayout
    let home: KeyHome
    /// Signs them.
    let key: Fingerprint

    private var legacy: FlippedDirectory { .legacy(layout) }
    private var streams: FlippedDirectory { .streams(layout) }

    /// What has been prepared.
    struct Staged {
        fileprivate let version: Int
        fileprivate let legacy: FilePath
        fileprivate let streams: FilePath
    }

    /// Whether the directories in force were made from this manifest.
    func areOf(_ version: Int) -> Bool { legacy.version == version && streams.version == version }

    /// Where those of a manifest stand, relative to the top.
    func paths(_ version: Int) -> [String] { [legacy.relativePath(version), streams.relativePath(version)] }

    /// Prepares the directories of a manifest.
    func stage(
        _ index: [UInt8],
        _ files: StreamsFiles,
        _ manifest: Manifest
    ) throws(RootcellarError) -> Staged {
        Staged(
            version: manifest.version,
            legacy: try LegacyIndexes(layout: layout).stage(index, home: home, key: key),
            streams: try Streams(layout: layout).stage(files, home: home, key: key)
        )
    }

    /// Puts them in force, one after the other.
    func flip(to staged: Staged) throws(RootcellarError) {
        try legacy.flip(to: staged.legacy, version: staged.version)
        try streams.flip(to: staged.streams, version: staged.version)
    }

    /// Removes what a killed publisher left beside them.
    func sweep() throws(RootcellarError) {
        try legacy.sweep()
        try streams.sweep()
    }
}
