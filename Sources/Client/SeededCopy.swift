// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// A rootfs in the cache of LXC's stock template, `<base>/download/<distribution>/<release>/<architecture>/<variant>`,
/// which people fill by hand before the first creation. Nothing is known of it but what its hash says, so it is only a
/// copy of what a signed document describes, or nothing.
enum SeededCopy {
    /// The file, if it has the signed size and begins with the signed block; the rest is checked block by block when it
    /// is read, and fetched where it differs.
    static func find(_ name: ImageName, _ file: ImageDocument.File, _ layout: CacheLayout) -> FilePath? {
        guard let first = file.blocks?.first else { return nil }
        for base in [layout.base, layout.shared].compactMap({ $0 }) {
            let path = base.appending("download/\(name.path)/rootfs.tar.xz")
            guard
                let opened = try? FileDescriptor.open(
                    path,
                    .readOnly,
                    options: [.closeOnExec, .noFollow, .nonBlocking]
                )
            else { continue }
            defer { try? opened.close() }
            guard let status = try? opened.status(), status.kind == .file, status.size == file.size else { continue }
            var block = [UInt8](repeating: 0, count: min(file.size, ImageDocument.blockSize))
            if (try? readBlock(opened, &block)) == block.count, SHA256Digest(hashing: block) == first { return path }
        }
        return nil
    }
}
