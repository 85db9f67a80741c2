// SPDX-License-Identifier: Apache-2.0

import Model
import NIOCore
import Synchronization
import SystemPackage

/// What those who may not read every image are shown of documents that tell of many. What everybody is shown is kept, because it
/// is asked for again and again.
final class SharedDocuments: Sendable {
    /// Somebody who may not read every image.
    struct Reader: Sendable {
        /// Whether it is nobody in particular.
        let isAnonymous: Bool
        let maySee: @Sendable (ImageName) -> Bool
    }

    /// The most bytes that are kept.
    private static let most = 64 << 20

    private struct Kept {
        var extents: [[String]: (status: FileStatus, extent: SharedDocument.Extent)] = [:]
        var bytes = 0
    }

    private let tree: PublishedTree
    private let kept = Mutex(Kept())

    init(_ tree: PublishedTree) { self.tree = tree }

    /// What of a file a reader is shown. Blocks.
    ///
    /// - Throws: `Errno` if it cannot be read.
    func extent(
        of document: SharedDocument,
        _ components: [String],
        _ file: OpenFile,
        for reader: Reader
    ) throws(Errno) -> SharedDocument.Extent {
        if case .signed(let base) = document { return try extent(ofSigned: base, for: reader) }
        if reader.isAnonymous,
            let known = kept.withLock({ $0.extents[components] }), known.status == file.status
        {
            return known.extent
        }
        guard file.status.size <= SharedDocument.limit else { return .nothing }
        let extent = document.extent(try file.bytes(), reader.maySee)
        if reader.isAnonymous { keep(extent, components, file.status) }
        return extent
    }

    /// A signed form is shown to those who are shown all that it is of.
    private func extent(ofSigned base: [String], for reader: Reader) throws(Errno) -> SharedDocument.Extent {
        guard let document = SharedDocument(base), let path = RequestPath(components: base),
            case .file(let file) = tree.find(path),
            try extent(of: document, base, file, for: reader) == .whole
        else { return .nothing }
        return .whole
    }

    private func keep(_ extent: SharedDocument.Extent, _ components: [String], _ status: FileStatus) {
        var size = 256
        if case .part(let bytes) = extent { size += bytes.count }
        kept.withLock { [size] kept in
            if kept.bytes + size > Self.most { kept = Kept() }
            kept.bytes += size
            kept.extents[components] = (status, extent)
        }
    }
}
