// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// Builds that are not read to the last byte.
extension Inspection {
    /// Whether an earlier check has read this very build and nothing of it has changed since; then its files are known.
    mutating func isUnchanged(_ path: String, _ build: IndexShard.Build) throws(RootcellarError) -> Bool {
        guard let earlier = before?.builds[path], earlier.image == build.image.sha256,
            CheckState.stamps(earlier.files.keys, in: layout.path(path)) == earlier.files
        else { return false }
        for (file, stamp) in earlier.files { known["\(path)/\(file)"] = stamp.size }
        after?.builds[path] = earlier
        return true
    }

    /// The names of all files of a build.
    func files(_ path: String, _ build: IndexShard.Build) throws(RootcellarError) -> [String] {
        guard after != nil else { return [] }
        let subject = "\(path)/\(ImageDocument.fileName)"
        let bytes = try Disk.read(layout.path(subject), limit: min(max(build.image.size, 0), ImageDocument.limit))
        try build.image.check(bytes, subject: subject)
        return try ImageDocument(verified: bytes, subject: subject).files.keys + CheckState.besides
    }

    /// Checks the document of a build, and that its files are there and as long as they should be.
    mutating func glance(_ name: ImageName, _ build: IndexShard.Build) throws(RootcellarError) {
        let directory = TreePath.build(name, build.serial)
        let document = try document(name, build)
        for (file, expected) in document.files {
            try requireSize(expected.size, "\(directory)/\(file)")
        }
        let sums = ImageSource.checksums(document, image: build.image.sha256).count
        try requireSize(sums, "\(directory)/\(ImageSource.checksums)")
        for file in ImageSource.signed {
            let path = "\(directory)/\(file).asc"
            guard let stamp = CheckState.Stamp(layout.path(path)) else { throw missing(path) }
            known[path] = stamp.size
        }
    }

    private mutating func requireSize(_ size: Int, _ path: String) throws(RootcellarError) {
        guard let stamp = CheckState.Stamp(layout.path(path)) else { throw missing(path) }
        guard stamp.size == size else {
            throw RootcellarError(.size, "\(stamp.size) bytes instead of \(size)", subject: path)
        }
        known[path] = size
    }

    private func missing(_ path: String) -> RootcellarError {
        RootcellarError(.repository, "cannot be opened (\(Errno.noSuchFileOrDirectory))", subject: path)
    }
}
