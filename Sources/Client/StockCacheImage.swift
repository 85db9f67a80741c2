// SPDX-License-Identifier: Apache-2.0

package import Archive
package import Model
package import SystemPackage

/// An image in the cache of LXC's stock template, `<base>/download/<distribution>/<release>/<architecture>/<variant>`: the
/// rootfs as it was downloaded, and the members of its metadata as files beside it. People fill such a directory by hand
/// before the first creation. Nothing in it is signed, so it is used only where somebody has said that this does not
/// matter, and no better than any archive that nobody vouches for.
package struct StockCacheImage: ContainerImage {
    /// The longest that a build may be used after it came into the cache, in seconds: what the image itself says of its
    /// expiry could pin it for ever.
    static let longestLife: Int64 = 366 * 86400

    package let metadata: ImageMetadata
    private let rootfs: FilePath
    private let narrator: Narrator

    /// The image, if it is there and has not expired.
    ///
    /// - Parameter isForced: whether an expired one will do.
    /// - Throws: `CACHE` if somebody else could have written to the directory, `META`.
    package init?(
        _ name: ImageName,
        _ setting: ImageSetting<PlainServer>,
        isForced: Bool
    ) throws(RootcellarError) {
        let directory = setting.layout.base.appending("download/\(name.path)")
        let (surroundings, narrator) = (setting.surroundings, setting.narrator)
        rootfs = directory.appending("rootfs.tar.xz")
        self.narrator = narrator
        guard let modified = try Self.modified(rootfs, below: setting.layout.base, name) else { return nil }
        var members: [String: [UInt8]] = [:]
        for member in ImageMetadata.memberNames {
            let path = directory.appending(member)
            if let bytes = try readFile(path, limit: ImageMetadata.memberLimit, .meta) { members[member] = bytes }
        }
        guard isForced || Self.isValid(members["expiry"], modified, surroundings.now) else {
            narrator.progress("The cached copy has expired, re-downloading...")
            return nil
        }
        metadata = try ImageMetadata(members: members, userMode: surroundings.namespace.usesUserMetadata)
        narrator.warn(
            "NOBODY VOUCHES FOR THIS IMAGE: it is what the stock template's cache has in \(printable(directory.string))"
        )
    }

    /// When the rootfs came into the cache; nil if there is none. Each directory on the way is checked as those of our
    /// own cache are.
    private static func modified(
        _ rootfs: FilePath,
        below base: FilePath,
        _ name: ImageName
    ) throws(RootcellarError) -> Timestamp? {
        do {
            var directory = try FileDescriptor.open(base, .readOnly, options: [.directory, .closeOnExec])
            defer { try? directory.close() }
            var path = base
            try CacheOwners.current.check(directory.status(), base, isShared: true)
            for part in ["download"] + name.path.split(separator: "/").map(String.init) {
                path.append(part)
                try CacheOwners.current.check(directory.status(of: part.utf8), path)
                let next = try directory.openDirectoryBeneath(Array(part.utf8))
                try directory.close()
                directory = next
            }
            let status = try directory.status(of: "rootfs.tar.xz".utf8)
            return status.kind == .file ? Timestamp(seconds: status.modified) : nil
        } catch let error as RootcellarError {
            throw error
        } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch {
            throw RootcellarError(.cache, "cannot read the stock template's cache: \(error)", subject: rootfs.string)
        }
    }

    /// Whether an expiry lies ahead: one that is missing or no number lies in the past.
    static func isValid(_ expiry: [UInt8]?, _ modified: Timestamp, _ now: Timestamp) -> Bool {
        let text = String(decoding: expiry ?? [], as: UTF8.self).split(whereSeparator: \.isNewline).first ?? ""
        guard let seconds = Int64(text), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return false }
        return now.seconds < min(seconds, modified.seconds + Self.longestLife)
    }

    package func unpack(
        into directory: FileDescriptor,
        tokens: [String: String]
    ) throws(RootcellarError) -> UnpackPipeline.Report {
        narrator.progress("Using image from local cache")
        let file: FileDescriptor
        do {
            file = try FileDescriptor.open(rootfs, .readOnly, options: [.closeOnExec, .noFollow, .nonBlocking])
        } catch {
            throw RootcellarError(.cache, "cannot open: \(error)", subject: rootfs.string)
        }
        defer { try? file.close() }
        narrator.progress("Unpacking the rootfs")
        let plan = UnpackPlan(unsigned: .xz, tokens: tokens, expanded: metadata.templates)
        return try UnpackPipeline.unpack(into: directory, plan) { pipeline throws(RootcellarError) in
            try pipeline.write(contentsOf: file) { error in
                systemError(.cache, "cannot read the cache", error, subject: rootfs.string)
            }
        }
    }

    /// Nothing: the cache stays as it is.
    package func remember() throws(RootcellarError) {}
}
