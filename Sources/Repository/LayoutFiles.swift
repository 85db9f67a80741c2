// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// The files of a tree as its publisher has them, for whoever makes the pages.
struct LayoutFiles: TreeFiles {
    let layout: TreeLayout

    func read(_ path: String, limit: Int) throws(RootcellarError) -> [UInt8]? {
        let file = layout.path(path)
        return Disk.exists(file) ? try Disk.read(file, limit: limit) : nil
    }

    func write(_ bytes: [UInt8], to path: String) throws(RootcellarError) {
        let file = layout.path(path)
        if Disk.exists(file), try Disk.size(file) == bytes.count, try Disk.read(file, limit: bytes.count) == bytes {
            return
        }
        try layout.put(bytes, at: path)
    }

    /// Whether all pages were made of just these documents; nil if there are none.
    func arePages(of state: PublishedState) -> Bool? {
        guard let bytes = try? read(TreePath.Page.status, limit: 16 << 20) else { return nil }
        return unsafe bytes.span.bytes.firstOffset(of: Array("\"\(state.mark)\"".utf8)) != nil
    }

    func remove(_ path: String) throws(RootcellarError) { try Disk.remove(layout.path(path)) }
}
