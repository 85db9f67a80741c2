// SPDX-License-Identifier: Apache-2.0

package import Model
import Transfer

/// Decides which build of a plain server's image is used, from what the server says, what it said before, and what the
/// cache holds.
package struct PlainChoice {
    private let setting: ImageSetting<PlainServer>
    private let session: PlainSession

    package init(_ setting: ImageSetting<PlainServer>, _ session: PlainSession) {
        self.setting = setting
        self.session = session
    }

    /// - Returns: the build, and what is in the cache of it.
    func select(
        _ name: ImageName,
        _ cache: SignedImage.CacheUse
    ) throws(RootcellarError) -> (PlainBuild, PlainServerState.Image?) {
        var state = try setting.layout.readState(of: setting.server)
        try Self.checkNoDowngrade(setting.server, state, setting.layout)
        // What was fetched for another reason is not believed for this one.
        state?.align(with: setting.server)
        let known = setting.server.trust == .nothing ? nil : state?.images[name.path]
        if setting.server.trust == .nothing {
            setting.narrator.warn(
                "NOBODY VOUCHES FOR THIS IMAGE: --no-validate takes whatever \(setting.server.address.url) sends"
            )
        }
        if cache == .force, let known { return (try cached(name, known, cache, nil), known) }
        let builds: [PlainBuild]
        do throws(RootcellarError) {
            builds = try session.builds()
        } catch {
            guard error.errorClass == .transport, cache != .flush, let known else { throw error }
            return (try cached(name, known, cache, error), known)
        }
        let build = try Self.find(name, builds)
        if let known {
            guard build.serial >= known.serial else {
                throw RootcellarError(
                    .rollback,
                    "build \(build.serial) is offered, \(known.serial) was seen before",
                    subject: "\(setting.server.address.url) \(name)",
                    hint: "this server or mirror is behind, or somebody replays its past; --flush-cache forgets"
                        + " what was seen"
                )
            }
            if build.serial == known.serial { return (build, known) }
            setting.narrator.progress("The cached copy has expired, re-downloading...")
        }
        return (build, nil)
    }

    private func cached(
        _ name: ImageName,
        _ known: PlainServerState.Image,
        _ cache: SignedImage.CacheUse,
        _ offline: RootcellarError?
    ) throws(RootcellarError) -> PlainBuild {
        let age = max(0, setting.surroundings.now.seconds - known.fetched.seconds)
        if let offline { setting.narrator.warn("the server cannot be asked (\(offline.description))") }
        setting.narrator.warn("using the cached build \(known.serial), fetched \(age / 86400) days ago")
        guard cache == .force || age <= PlainImage.lifetime else {
            throw RootcellarError(
                .cache,
                "the cached build \(known.serial) has expired and its server cannot be asked",
                subject: name.path,
                hint: "--force-cache uses it all the same"
            )
        }
        let directory = "images/\(name.path)/\(known.serial)"
        return PlainBuild(
            name: name,
            serial: known.serial,
            rootfs: PlainBuild.File(path: "\(directory)/rootfs.tar.xz"),
            metadata: known.metadata == nil ? nil : PlainBuild.File(path: "\(directory)/meta.tar.xz")
        )
    }

    /// A server that was signed once stays signed: taking its signatures away must not be a way around them.
    static func checkNoDowngrade(
        _ server: PlainServer,
        _ state: PlainServerState?,
        _ layout: CacheLayout
    ) throws(RootcellarError) {
        guard server.signer == nil, let signer = state?.signer else { return }
        throw RootcellarError(
            .policy,
            "the files of this server were signed by \(signer) before, so unsigned ones are not taken",
            subject: server.address.url,
            hint: "use --keyid \(signer), or remove \(layout.stateFile(of: server)) to begin anew"
        )
    }

    /// The build of an image.
    ///
    /// - Throws: `POLICY` with what may have been meant.
    package static func find(_ name: ImageName, _ builds: [PlainBuild]) throws(RootcellarError) -> PlainBuild {
        let found = builds.filter { $0.name == name }
        guard found.count < 2 else {
            throw RootcellarError(.binding, "the server lists this image twice", subject: name.path)
        }
        if let build = found.first { return build }
        let names = builds.map(\.name)
        guard names.contains(where: { $0.distribution == name.distribution }) else {
            let distributions = Set(names.map(\.distribution)).sorted()
            throw RootcellarError(
                .policy,
                "no such distribution on this server",
                subject: name.distribution,
                hint: nearestName(to: name.distribution, among: distributions).map { "did you mean '\($0)'?" }
                    ?? "see --list"
            )
        }
        throw RootcellarError(
            .policy,
            "no such image on this server",
            subject: name.path,
            hint: Catalogue.suggestion(name, names.filter { $0.distribution == name.distribution })
        )
    }

    /// The signed checksums of a build, if the server has such.
    ///
    /// - Throws: `SIGNATURE` if it had them before and hides them now.
    func checksums(_ build: PlainBuild) throws(RootcellarError) -> BuildChecksums? {
        guard setting.server.signer != nil else { return nil }
        if let sums = try BuildChecksums(of: build, over: session) { return sums }
        guard try setting.layout.readState(of: setting.server)?.checksums != true else {
            throw RootcellarError(
                .signature,
                "the signed checksums are missing, which this server had before",
                subject: session.url("\(build.directory ?? "")/SHA256SUMS")
            )
        }
        setting.narrator.warn("nothing signed says which files belong to this build: each is signed by itself alone")
        return nil
    }

    /// Forgets what the cache holds of an image.
    func flush(_ name: ImageName) throws(RootcellarError) {
        setting.narrator.progress("Flushing the cache...")
        guard let image = try setting.layout.readState(of: setting.server)?.images[name.path] else { return }
        try setting.layout.changeState(of: setting.server) { $0.images[name.path] = nil }
        let store = ObjectStore(setting.layout)
        store.remove(image.rootfs.sha256)
        if let metadata = image.metadata { store.remove(metadata.sha256) }
    }
}
