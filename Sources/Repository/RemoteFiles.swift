// SPDX-License-Identifier: Apache-2.0

import Model
import Transfer

/// The files of a tree in an object store for whoever makes the pages: what a publisher keeps to itself stays in the working
/// copy, everything else is put into the store first.
struct RemoteFiles: TreeFiles {
    let remote: RemoteTree
    private let local: LayoutFiles

    init(_ remote: RemoteTree) {
        self.remote = remote
        local = LayoutFiles(layout: remote.layout)
    }

    func read(_ path: String, limit: Int) throws(RootcellarError) -> [UInt8]? {
        if let bytes = try local.read(path, limit: limit) { return bytes }
        guard !isHidden(path), case .found(let bytes, _) = try remote.store.get(path, limit: limit) else { return nil }
        return bytes
    }

    func write(_ bytes: [UInt8], to path: String) throws(RootcellarError) {
        if !isHidden(path) {
            if let there = try? local.read(path, limit: bytes.count), there == bytes { return }
            try remote.store.onPart?()
            _ = try remote.store.put(path, bytes)
        }
        try local.write(bytes, to: path)
    }

    func remove(_ path: String) throws(RootcellarError) {
        if !isHidden(path) { try remote.store.delete(path) }
        try local.remove(path)
    }

    private func isHidden(_ path: String) -> Bool { path.hasPrefix(TreeLayout.hidden + "/") }
}
