// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
package import Model
package import SystemPackage
package import Transfer

/// Makes a container for lxc-create: from the four parts of an image's name to an unpacked rootfs and a configuration.
package struct ContainerCreation {
    /// Where the container goes, as lxc-create says.
    package struct Place: Sendable {
        package var path: FilePath
        package var name: String
        package var rootfs: FilePath
        package var mappedUID: UInt32?
        package var mappedGID: UInt32?

        /// A place.
        package init(path: FilePath, name: String, rootfs: FilePath, mappedUID: UInt32?, mappedGID: UInt32?) {
            self.path = path
            self.name = name
            self.rootfs = rootfs
            self.mappedUID = mappedUID
            self.mappedGID = mappedGID
        }
    }

    /// What to do about the cache.
    package enum CacheUse: Sendable { case normal, flush, force }

    private let surroundings: Surroundings
    private let layout: CacheLayout
    private let server: PinnedServer
    private let options: TransferOptions
    private let progress: (String) -> Void
    private let warn: (String) -> Void

    /// A creation.
    ///
    /// - Parameters:
    ///   - progress: takes the lines that programs around LXC look for.
    ///   - warn: takes what the user should know, one line each.
    package init(
        _ surroundings: Surroundings,
        layout: CacheLayout,
        server: PinnedServer,
        options: TransferOptions,
        progress: @escaping (String) -> Void,
        warn: @escaping (String) -> Void
    ) {
        self.surroundings = surroundings
        self.layout = layout
        self.server = server
        self.options = options
        self.progress = progress
        self.warn = warn
    }

    /// Does it all. On failure the rootfs is as empty as it was and the configuration untouched.
    ///
    /// - Throws: the class of whatever was wrong first.
    package func run(_ name: ImageName, in place: Place, cache: CacheUse) throws(RootcellarError) {
        let rootfs = try openRootfs(place.rootfs)
        defer { try? rootfs.close() }
        if cache == .flush { try flush(name) }
        let (trusted, build) = try select(name, cache)
        let metadata = try metadata(trusted, build)
        let configuration = try configuration(metadata.configuration, place)
        let mode = (try? rootfs.status().mode) ?? 0o755
        let report: UnpackPipeline.Report
        do throws(RootcellarError) {
            report = try unpack(trusted, build, metadata, place, into: rootfs)
            try remember(build, trusted)
            try writeConfiguration(configuration, place)
        } catch {
            try? emptyDirectory(rootfs, keeping: [Array("lost+found".utf8)])
            try? rootfs.changeMode(mode)
            throw error
        }
        if report.devicesLeftOut + report.attributesLeftOut > 0 {
            warn("left out: \(report.devicesLeftOut) device nodes, \(report.attributesLeftOut) extended attributes")
        }
        if !metadata.message.isEmpty { progress("\n---\n\(metadata.message)") }
    }

    // MARK: - Selection

    private func select(
        _ name: ImageName,
        _ cache: CacheUse
    ) throws(RootcellarError) -> (TrustedServer, Catalogue.Build) {
        if cache == .force, let remembered = try TrustedServer.remembered(server, layout: layout),
            let build = try cached(name, remembered)
        {
            try checkAge(build, cache, nil)
            return (remembered, build)
        }
        progress("Downloading the image index")
        let trusted = try TrustedServer.ask(
            server,
            layout: layout,
            now: surroundings.now,
            options: options,
            allowStale: cache != .flush
        )
        let catalogue = Catalogue(trusted)
        if let offline = trusted.offline, let build = try cached(name, trusted) {
            try checkAge(build, cache, offline)
            return (trusted, build)
        }
        if let offline = trusted.offline { throw offline }
        return (trusted, try catalogue.newest(name))
    }

    /// The build that is in the cache, if there is one and its server has not taken it back.
    private func cached(_ name: ImageName, _ server: TrustedServer) throws(RootcellarError) -> Catalogue.Build? {
        guard let record = try layout.readRecord(of: name), record.server == server.root.server else { return nil }
        let catalogue = Catalogue(server)
        try catalogue.checkNotRevoked(record.image.sha256, name)
        return try catalogue.build(name, IndexShard.Build(serial: record.serial, image: record.image, tested: true))
    }

    /// A cached build may be used without its server for as long as the server signed; longer only if the user insists.
    private func checkAge(
        _ build: Catalogue.Build,
        _ cache: CacheUse,
        _ offline: RootcellarError?
    ) throws(RootcellarError) {
        let age = max(0, surroundings.now.seconds - build.serial.time.seconds)
        if let offline { warn("the server's word is not to be had (\(offline.description))") }
        warn("using the cached build \(build.serial), which is \(age / 86400) days old")
        guard cache != .force, age > build.document.lifetime else { return }
        throw RootcellarError(
            .cache,
            "the cached build \(build.serial) has expired and its server cannot be asked",
            subject: build.name.path,
            hint: "--force-cache uses it all the same"
        )
    }

    private func flush(_ name: ImageName) throws(RootcellarError) {
        progress("Flushing the cache...")
        if let record = try layout.readRecord(of: name) { removeObjects(of: record) }
        removeFile(layout.image(name))
    }

    private func removeObjects(of record: ImageRecord) {
        let objects = ObjectStore(layout)
        if let bytes = try? objects.read(record.image),
            let document = try? ImageDocument(verified: bytes, subject: "cache")
        {
            for file in document.files.values { objects.remove(file.sha256) }
        }
        objects.remove(record.image.sha256)
    }

    // MARK: - Metadata and rootfs

    private func metadata(
        _ trusted: TrustedServer,
        _ build: Catalogue.Build
    ) throws(RootcellarError) -> ImageMetadata {
        let path = TreePath.file(build.name, build.serial, "meta.tar.xz")
        let file = try build.document.file("meta.tar.xz", subject: build.name.path)
        let bytes = try trusted.bytes(path, file.reference, limit: 1 << 20)
        do throws(RootcellarError) {
            let archive = try UnpackPipeline.decode(bytes, .xz, limit: 4 << 20)
            return try ImageMetadata(archive: archive, userMode: surroundings.namespace.usesUserMetadata)
        } catch {
            guard error.errorClass == .archive else { throw error }
            throw RootcellarError(.meta, error.reason, subject: path)
        }
    }

    private func unpack(
        _ trusted: TrustedServer,
        _ build: Catalogue.Build,
        _ metadata: ImageMetadata,
        _ place: Place,
        into rootfs: FileDescriptor
    ) throws(RootcellarError) -> UnpackPipeline.Report {
        let names = ["rootfs.tar.zst", "rootfs.tar.xz"]
        guard let name = names.first(where: { build.document.files[$0] != nil }),
            let compression = Compression(fileName: name)
        else {
            throw RootcellarError(.binding, "this build has no rootfs that can be unpacked", subject: build.name.path)
        }
        let file = try build.document.file(name, subject: build.name.path)
        let isCached = (try? readFileStatus(layout.object(file.sha256))) ?? false
        progress(isCached ? "Using image from local cache" : "Downloading the rootfs")
        let stream = try VerifiedStream(
            trusted,
            layout: layout,
            path: TreePath.file(build.name, build.serial, name),
            file: file
        )
        let pipeline = try UnpackPipeline(
            into: rootfs,
            compression,
            tar: build.document.tar,
            tokens: tokens(place),
            expanded: metadata.templates
        )
        do throws(RootcellarError) {
            if isCached { progress("Unpacking the rootfs") }
            let source = try stream.run(onWait: {
                progress("Another process is downloading this image; waiting for it")
            }) {
                bytes throws(RootcellarError) in try pipeline.write(bytes)
            }
            if source.fetched > 0 {
                if isCached { warn("CACHE: the cached rootfs was damaged; its rest was fetched again") }
                progress("The image cache is now ready")
                progress("Unpacking the rootfs")
            }
            return try pipeline.finish()
        } catch {
            pipeline.abandon()
            throw error
        }
    }

    private func readFileStatus(_ path: FilePath) throws -> Bool {
        let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
        defer { try? file.close() }
        return try file.status().kind == .file
    }

    /// Notes what is in the cache now and removes the build that it replaces.
    private func remember(_ build: Catalogue.Build, _ trusted: TrustedServer) throws(RootcellarError) {
        let before = try layout.readRecord(of: build.name)
        let record = ImageRecord(server: trusted.root.server, serial: build.serial, image: build.reference)
        guard record != before else { return }
        try layout.writeRecord(record, of: build.name)
        if let before, before.image != record.image { removeObjects(of: before) }
    }

    // MARK: - The container

    private func openRootfs(_ path: FilePath) throws(RootcellarError) -> FileDescriptor {
        do {
            let rootfs = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
            let names = try rootfs.names()
            guard names.allSatisfy({ $0.elementsEqual("lost+found".utf8) }) else {
                try? rootfs.close()
                throw RootcellarError(.policy, "the rootfs is not empty", subject: path.string)
            }
            return rootfs
        } catch let error as RootcellarError {
            throw error
        } catch {
            throw RootcellarError(.policy, "cannot open the rootfs: \(error)", subject: path.string)
        }
    }

    private func tokens(_ place: Place) -> [String: String] {
        [
            "LXC_NAME": place.name, "LXC_PATH": place.path.string, "LXC_ROOTFS": place.rootfs.string,
            "LXC_TEMPLATE_CONFIG": surroundings.lxcConfiguration.string, "LXC_HOOK_DIR": "/usr/share/lxc/hooks",
        ]
    }

    private func configuration(
        _ image: ImageConfiguration,
        _ place: Place
    ) throws(RootcellarError) -> String {
        let path = place.path.appending("config")
        // A directory without a configuration is how programs use a template without LXC.
        let existing = try readFile(path, limit: 1 << 20, .policy) ?? []
        return try ContainerConfiguration(
            existing: String(decoding: existing, as: UTF8.self),
            path: path.string
        ).text(
            image: image,
            directory: surroundings.lxcConfiguration.string,
            exists: { name in unsafe FilePath(name).withPlatformString { unsafe access($0, R_OK) == 0 } },
            name: place.name
        )
    }

    /// lxc-create reads the file again as the user outside the namespace, so it is given to that user.
    private func writeConfiguration(_ text: String, _ place: Place) throws(RootcellarError) {
        let path = place.path.appending("config")
        try replaceFile(path, Array(text.utf8), mode: 0o640, .policy)
        guard let uid = place.mappedUID else { return }
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
            defer { try? file.close() }
            try file.changeOwner(uid: uid, gid: place.mappedGID ?? 0)
        } catch {
            throw RootcellarError(
                .policy,
                "cannot give the configuration to its user: \(error)",
                subject: path.string
            )
        }
    }
}
