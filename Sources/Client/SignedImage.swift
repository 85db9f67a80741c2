// SPDX-License-Identifier: Apache-2.0

package import Archive
import Glibc
package import Model
package import SystemPackage
import Transfer

/// An image of a pinned server, verified from the pinned root down to each block.
package struct SignedImage: ContainerImage {
    /// What to do about the cache.
    package enum CacheUse: Sendable { case normal, flush, force }

    package let metadata: ImageMetadata
    private let setting: ImageSetting<PinnedServer>
    private let trusted: TrustedServer
    private let build: Catalogue.Build
    private let notes = Notes()

    /// What is found out on the way and remembered at the end.
    private final class Notes {
        var tarBlocks: [SHA256Digest]?
    }

    /// Chooses the build and reads its metadata.
    ///
    /// - Throws: the class of whatever was wrong first.
    package init(
        _ name: ImageName,
        _ setting: ImageSetting<PinnedServer>,
        cache: CacheUse,
        wish: BuildWish = BuildWish()
    ) throws(RootcellarError) {
        self.setting = setting
        let choice = BuildChoice(setting)
        if cache == .flush { try choice.flush(name) }
        (trusted, build) = try choice.select(name, cache, wish)
        if let before = try setting.layout.readRecord(of: name), before.image != build.reference {
            setting.narrator.progress("The cached copy has expired, re-downloading...")
        }
        metadata = try Self.metadata(trusted, build, setting)
    }

    private static func metadata(
        _ trusted: TrustedServer,
        _ build: Catalogue.Build,
        _ setting: ImageSetting<PinnedServer>
    ) throws(RootcellarError) -> ImageMetadata {
        let path = TreePath.file(build.name, build.serial, "meta.tar.xz")
        let file = try build.document.file("meta.tar.xz", subject: build.name.path)
        if !isFile(setting.layout.object(file.sha256)) { setting.narrator.progress("Downloading the metadata") }
        let bytes = try trusted.bytes(path, file.reference, limit: 1 << 20)
        do throws(RootcellarError) {
            let archive = try UnpackPipeline.decode(bytes, .xz, limit: 4 << 20)
            return try ImageMetadata(archive: archive, userMode: setting.surroundings.namespace.usesUserMetadata)
        } catch {
            guard error.errorClass == .archive else { throw error }
            throw RootcellarError(.meta, error.reason, subject: path)
        }
    }

    package func unpack(
        into rootfs: FileDescriptor,
        tokens: [String: String]
    ) throws(RootcellarError) -> UnpackPipeline.Report {
        let expansion = Expansion(tokens: tokens, files: metadata.templates)
        guard let tree = TreeCache(build.document.tar, setting, for: rootfs) else {
            return try unpackArchive(into: rootfs, expansion)
        }
        let words = plan(nil, expansion).expansion
        do throws(RootcellarError) {
            return try tree.fill(rootfs, words, narrator: setting.narrator) { directory throws(RootcellarError) in
                try unpackArchive(into: directory, Expansion())
            }
        } catch  where error.errorClass == .cache && !Interruption.isRequested {
            setting.narrator.warn("no unpacked tree is kept (\(error.description))")
            try emptyRootfs(rootfs)
            return try unpackArchive(into: rootfs, expansion)
        }
    }

    /// LXC's tokens, and the files in which they are replaced.
    private struct Expansion {
        var tokens: [String: String] = [:]
        var files: [String] = []
    }

    private func unpackArchive(
        into rootfs: FileDescriptor,
        _ expansion: Expansion
    ) throws(RootcellarError) -> UnpackPipeline.Report {
        if let report = try unpackTar(into: rootfs, expansion) { return report }
        let names = ["rootfs.tar.zst", "rootfs.tar.xz"].filter { build.document.files[$0] != nil }
        guard var name = names.first else {
            throw RootcellarError(.binding, "this build has no rootfs that can be unpacked", subject: build.name.path)
        }
        var copies: [FilePath] = []
        var isCached = try isHere(build.document.file(name, subject: build.name.path).sha256)
        if !isCached, let packed = build.document.files["rootfs.tar.xz"],
            let seed = SeededCopy.find(build.name, packed, setting.layout)
        {
            (name, isCached) = ("rootfs.tar.xz", true)
            copies = [seed]
        }
        guard let compression = Compression(fileName: name) else {
            throw RootcellarError(.internal, "no such compression", subject: name)
        }
        let file = try build.document.file(name, subject: build.name.path)
        if !isCached, let update = TarUpdate(build, trusted, setting.layout, smallerThan: file.size), perform(update),
            let report = try unpackTar(into: rootfs, expansion)
        {
            return report
        }
        if let shared = setting.layout.sharedObject(file.sha256) { copies.insert(shared, at: 0) }
        setting.narrator.progress(isCached ? "Using image from local cache" : "Downloading the rootfs")
        let stream = try VerifiedStream(
            trusted,
            layout: setting.layout,
            path: TreePath.file(build.name, build.serial, name),
            file: file
        )
        return try UnpackPipeline.unpack(into: rootfs, plan(compression, expansion)) {
            pipeline throws(RootcellarError) in
            if isCached { setting.narrator.progress("Unpacking the rootfs") }
            let source = try stream.run(copies: copies, onWait: tellWaiting, onProgress: setting.narrator.amount) {
                bytes throws(RootcellarError) in
                try pipeline.write(bytes)
            }
            guard source.fetched > 0 else { return }
            if isCached {
                setting.narrator.warn("CACHE: the cached rootfs was damaged; its rest was fetched again")
            }
            setting.narrator.progress("The image cache is now ready")
            setting.narrator.progress("Unpacking the rootfs")
        }
    }

    /// Makes the build's tar of an older one. False if that does not work, whyever.
    private func perform(_ update: TarUpdate) -> Bool {
        setting.narrator.progress("Downloading a patch of \(update.size) bytes for the cached rootfs")
        do throws(RootcellarError) {
            notes.tarBlocks = try update.run(onWait: tellWaiting)
            setting.narrator.progress("The image cache is now ready")
            return true
        } catch {
            setting.narrator.warn("the patch is of no use, so the whole rootfs is fetched (\(error.description))")
            return false
        }
    }

    /// Unpacks the uncompressed tar that an update has left in the cache.
    ///
    /// - Returns: nil if there is none, or if it is damaged: then it is removed, and the rootfs is empty again.
    private func unpackTar(
        into rootfs: FileDescriptor,
        _ expansion: Expansion
    ) throws(RootcellarError) -> UnpackPipeline.Report? {
        let record = try setting.layout.readRecord(of: build.name)
        let known = record?.image == build.reference ? record?.tarBlocks : nil
        do throws(RootcellarError) {
            guard let tar = try CachedTar(build.document.tar, setting.layout, blocks: notes.tarBlocks ?? known) else {
                return nil
            }
            defer { tar.close() }
            notes.tarBlocks = tar.blockHashes
            setting.narrator.progress("Using image from local cache")
            setting.narrator.progress("Unpacking the rootfs")
            return try UnpackPipeline.unpack(into: rootfs, plan(nil, expansion)) { pipeline throws(RootcellarError) in
                try tar.run { bytes throws(RootcellarError) in try pipeline.write(bytes) }
            }
        } catch  where error.errorClass == .cache {
            setting.narrator.warn("CACHE: the cached tar was damaged and is dropped")
            notes.tarBlocks = nil
            ObjectStore(setting.layout).remove(build.document.tar.sha256)
            try emptyRootfs(rootfs)
            return nil
        }
    }

    private func plan(_ compression: Compression?, _ expansion: Expansion) -> UnpackPlan {
        UnpackPlan(compression, of: build.document, tokens: expansion.tokens, expanded: expansion.files)
    }

    private func tellWaiting(_ holder: String) {
        setting.narrator.progress("Waiting for \(holder), which is downloading this image")
    }

    /// Whether an object is in the cache or in the one that is only read.
    private func isHere(_ digest: SHA256Digest) -> Bool {
        [setting.layout.object(digest), setting.layout.sharedObject(digest)].compactMap { $0 }.contains { path in
            guard
                let file = try? FileDescriptor.open(
                    path,
                    .readOnly,
                    options: [.closeOnExec, .noFollow, .nonBlocking]
                )
            else { return false }
            defer { try? file.close() }
            return (try? file.status().kind) == .file
        }
    }

    /// Notes what is in the cache now and removes the build that it replaces.
    package func remember() throws(RootcellarError) {
        let layout = setting.layout
        let before = try layout.readRecord(of: build.name)
        let record = ImageRecord(
            server: trusted.root.server,
            serial: build.serial,
            image: build.reference,
            tarBlocks: notes.tarBlocks
        )
        guard record != before else {
            layout.touchRecord(of: build.name, setting.surroundings.now)
            return
        }
        try layout.writeRecord(record, of: build.name)
        if let before, before.image != record.image, layout.readPin(of: build.name)?.image != before.image {
            ObjectStore(layout).removeFiles(of: before.image, replacedBy: build.document)
        }
    }
}
