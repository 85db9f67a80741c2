// SPDX-License-Identifier: Apache-2.0

package import Archive
package import Model
package import SystemPackage
import Transfer

/// An image of a plain server: what its command line demands is checked of each whole file before anything is
/// decompressed.
package struct PlainImage: ContainerImage {
    /// How long a cached build may be used while its server cannot be asked, in seconds.
    static let lifetime: Int64 = 30 * 86400

    package let metadata: ImageMetadata
    private let setting: ImageSetting<PlainServer>
    private let session: PlainSession
    private let build: PlainBuild
    /// The build as it is in the cache.
    private let known: PlainServerState.Image?
    private let metadataReference: FileReference?
    private let hasChecksums: Bool

    /// Chooses the newest build and reads its metadata.
    ///
    /// - Throws: the class of whatever was wrong first.
    package init(
        _ name: ImageName,
        _ setting: ImageSetting<PlainServer>,
        cache: SignedImage.CacheUse
    ) throws(RootcellarError) {
        self.setting = setting
        try setting.layout.prepare()
        session = try PlainSession(setting.server, setting.surroundings, setting.options, setting.narrator)
        let choice = PlainChoice(setting, session)
        if cache == .flush { try choice.flush(name) }
        let (build, known) = try choice.select(name, cache)
        let store = ObjectStore(setting.layout)
        let userMode = setting.surroundings.namespace.usesUserMetadata
        var bytes: [UInt8]?
        if let reference = known?.metadata { bytes = try store.read(reference) }
        if let known, bytes != nil || known.metadata == nil {
            (self.build, self.known, hasChecksums) = (build, known, false)
            metadataReference = known.metadata
            metadata = try Self.metadata(bytes, build, userMode)
            return
        }
        self.known = nil
        var bound = build
        let sums = try choice.checksums(build)
        if let sums {
            bound.rootfs = try sums.bind(build.rootfs)
            bound.metadata = try build.metadata.map { file throws(RootcellarError) in try sums.bind(file) }
        }
        hasChecksums = sums != nil
        self.build = bound
        guard let file = bound.metadata else {
            setting.narrator.warn("this server has no metadata for LXC; LXC's own settings are used")
            metadataReference = nil
            metadata = try Self.metadata(nil, bound, userMode)
            return
        }
        setting.narrator.progress("Downloading the metadata")
        let fetched = try session.required(file.path, limit: 1 << 20)
        let reference = FileReference(of: fetched)
        if let wanted = file.sha256, wanted != reference.sha256 {
            throw RootcellarError(
                .hash,
                "SHA-256 is \(reference.sha256), listed is \(wanted)",
                subject: session.url(file.path)
            )
        }
        metadataReference = reference
        metadata = try Self.metadata(fetched, bound, userMode)
        if setting.server.trust != .nothing { try store.write(fetched, as: reference) }
    }

    private static func metadata(
        _ bytes: [UInt8]?,
        _ build: PlainBuild,
        _ userMode: Bool
    ) throws(RootcellarError) -> ImageMetadata {
        guard let bytes else { return try ImageMetadata(standardFor: build.name.architecture, userMode: userMode) }
        do throws(RootcellarError) {
            let archive = try UnpackPipeline.decode(bytes, .xz, limit: 4 << 20)
            return try ImageMetadata(archive: archive, userMode: userMode)
        } catch {
            guard error.errorClass == .archive else { throw error }
            throw RootcellarError(.meta, error.reason, subject: build.metadata?.path ?? build.name.path)
        }
    }

    package func unpack(
        into rootfs: FileDescriptor,
        tokens: [String: String]
    ) throws(RootcellarError) -> UnpackPipeline.Report {
        let file = try open()
        defer { try? file.close() }
        setting.narrator.progress("Unpacking the rootfs")
        let plan = UnpackPlan(unsigned: .xz, tokens: tokens, expanded: metadata.templates)
        return try UnpackPipeline.unpack(into: rootfs, plan) { pipeline throws(RootcellarError) in
            try pipeline.write(contentsOf: file) { error in
                systemError(.cache, "cannot read the cache", error, subject: build.rootfs.path)
            }
        }
    }

    /// The verified rootfs, from the cache or the server.
    private func open() throws(RootcellarError) -> FileDescriptor {
        let download = WholeDownload(session: session, layout: setting.layout)
        if let known, let file = try download.cached(known.rootfs) {
            setting.narrator.progress("Using image from local cache")
            return file
        }
        let key = SHA256Digest(hashing: Array(session.url(build.rootfs.path).utf8))
        let lock = try FileLock(setting.layout.lock("image-\(key)"), of: setting.layout) { holder in
            setting.narrator.progress("Waiting for \(holder), which is downloading this image")
        }
        defer { withExtendedLifetime(lock) {} }
        // Who has waited finds what the other one fetched.
        let state = try setting.layout.readState(of: setting.server)
        if let image = state?.images[build.name.path], image.serial == build.serial,
            state?.signer == setting.server.signer, setting.server.trust != .nothing,
            let file = try download.cached(image.rootfs)
        {
            setting.narrator.progress("Using image from local cache")
            return file
        }
        setting.narrator.progress("Downloading the rootfs")
        var wanted = build.rootfs
        if let known {
            // The same build has to be the same bytes.
            (wanted.size, wanted.sha256) = (known.rootfs.size, known.rootfs.sha256)
        }
        let (file, reference) = try download.fetch(wanted)
        do throws(RootcellarError) {
            try note(reference)
        } catch {
            try? file.close()
            throw error
        }
        setting.narrator.progress("The image cache is now ready")
        return file
    }

    /// Notes what was verified. What nobody vouches for leaves no trace.
    private func note(_ rootfs: FileReference) throws(RootcellarError) {
        guard setting.server.trust != .nothing else { return }
        let image = PlainServerState.Image(
            serial: build.serial,
            rootfs: rootfs,
            metadata: metadataReference,
            fetched: setting.surroundings.now
        )
        var before: PlainServerState.Image?
        try setting.layout.changeState(of: setting.server) { state in
            before = state.images.updateValue(image, forKey: build.name.path)
            if hasChecksums { state.checksums = true }
        }
        guard let before else { return }
        let kept = [image.rootfs, image.metadata]
        for old in [before.rootfs, before.metadata] where !kept.contains(old) {
            if let old { ObjectStore(setting.layout).remove(old.sha256) }
        }
    }

    /// Everything was noted when it was verified.
    package func remember() throws(RootcellarError) {}
}
