// SPDX-License-Identifier: Apache-2.0

import Archive
import Model

/// Decides which build of an image is used, from what the server says and what the cache holds.
struct BuildChoice {
    private let setting: ImageSetting<PinnedServer>

    init(_ setting: ImageSetting<PinnedServer>) { self.setting = setting }

    /// The server's newest build, or what the cache holds if the server cannot be asked or must not be.
    func select(
        _ name: ImageName,
        _ cache: SignedImage.CacheUse,
        _ wish: BuildWish
    ) throws(RootcellarError) -> (TrustedServer, Catalogue.Build) {
        if cache == .force, !wish.isSpecial,
            let remembered = try TrustedServer.remembered(setting.server, layout: setting.layout),
            let build = try cached(name, remembered)
        {
            try checkAge(build, cache, nil)
            return (remembered, build)
        }
        setting.narrator.progress("Downloading the image index")
        let trusted = try TrustedServer.ask(
            setting.server,
            layout: setting.layout,
            now: setting.surroundings.now,
            options: setting.options,
            allowStale: cache != .flush,
            warn: setting.narrator.warn
        )
        let catalogue = Catalogue(trusted)
        if let offline = trusted.offline, !wish.isSpecial, let build = try cached(name, trusted) {
            try checkAge(build, cache, offline)
            return (trusted, build)
        }
        if let offline = trusted.offline { throw offline }
        return (trusted, try catalogue.current(name, wish))
    }

    /// The build that is in the cache, if there is one and its server has not taken it back.
    private func cached(_ name: ImageName, _ server: TrustedServer) throws(RootcellarError) -> Catalogue.Build? {
        guard let record = try setting.layout.readRecord(of: name), record.server == server.root.server else {
            return nil
        }
        let catalogue = Catalogue(server)
        try catalogue.checkNotRevoked(record.image.sha256, name)
        return try catalogue.build(name, IndexShard.Build(serial: record.serial, image: record.image, tested: true))
    }

    /// A cached build may be used without its server for as long as the server signed; longer only if the user insists.
    private func checkAge(
        _ build: Catalogue.Build,
        _ cache: SignedImage.CacheUse,
        _ offline: RootcellarError?
    ) throws(RootcellarError) {
        let age = max(0, setting.surroundings.now.seconds - build.serial.time.seconds)
        if let offline { setting.narrator.warn("the server's word is not to be had (\(offline.description))") }
        setting.narrator.warn("using the cached build \(build.serial), which is \(age / 86400) days old")
        guard cache != .force, age > build.document.lifetime else { return }
        throw RootcellarError(
            .cache,
            "the cached build \(build.serial) has expired and its server cannot be asked",
            subject: build.name.path,
            hint: "--force-cache uses it all the same"
        )
    }

    /// Forgets what the cache holds of an image.
    func flush(_ name: ImageName) throws(RootcellarError) {
        setting.narrator.progress("Flushing the cache...")
        try setting.layout.prepare()
        if let record = try setting.layout.readRecord(of: name),
            setting.layout.readPin(of: name)?.image != record.image
        {
            ObjectStore(setting.layout).removeFiles(of: record.image)
        }
        removeFile(setting.layout.image(name))
    }
}
