// SPDX-License-Identifier: Apache-2.0

package import Model
import Transfer

/// Why an image is what it is: who vouches for it, what was checked, how old it is and what ends when.
package struct ImageExplanation: Encodable {
    /// Keys of one role and how many of them have to sign.
    package struct Signers: Encodable {
        package var role: String
        package var threshold: Int
        package var fingerprints: [String]
    }

    /// Something whose validity ends.
    package struct Expiry: Encodable {
        package var what: String
        package var at: Timestamp
    }

    package var format = documentFormat
    package var image: String
    package var serial: String
    /// Why this build and no other.
    package var reason: String
    /// The server's address, its name for itself and its kind.
    package var url: String
    package var server: String?
    package var kind: String
    package var signers: [Signers]
    /// Seconds since the build; nil if the serial does not tell.
    package var age: Int64?
    package var tested: Bool?
    package var checks: [String]
    package var expires: [Expiry]
    /// Whether the build's rootfs is in the cache.
    package var isCached: Bool
    /// What the user should know.
    package var warnings: [String]

    /// Explains an image of a pinned server.
    package init(
        _ name: ImageName,
        _ pin: PinnedServer,
        _ trusted: TrustedServer,
        _ layout: CacheLayout,
        now: Timestamp
    ) throws(RootcellarError) {
        let catalogue = Catalogue(trusted)
        let build = try catalogue.current(name)
        let builds = try catalogue.images(of: name.distribution).first { $0.name == name }?.image.builds ?? []
        let revoked = Set(trusted.manifest.revoked.map(\.image))
        let takenBack = builds.count { revoked.contains($0.image.sha256) }
        image = name.path
        serial = build.serial.description
        let isNewest = builds.last { !revoked.contains($0.image.sha256) }?.serial == build.serial
        reason =
            (isNewest ? "the newest" : "what the channel '\(IndexShard.Image.usualChannel)' points to,")
            + " of \(builds.count) builds"
            + (takenBack == 0 ? ", none of them taken back" : ", \(takenBack) of them taken back")
        url = pin.address.url
        server = trusted.root.server
        kind = "signed index, pinned by \(pin.fingerprints.map(\.hex).joined(separator: ", "))"
        signers = []
        for role in Role.allCases {
            let keys = try trusted.root.keys(of: role)
            signers.append(
                Signers(role: role.rawValue, threshold: keys.threshold, fingerprints: keys.fingerprints.map(\.hex))
            )
        }
        age = max(0, now.seconds - build.serial.time.seconds)
        tested = builds.first { $0.serial == build.serial }?.tested
        let documents = [
            "root document \(trusted.root.version) by the pinned key, and each newer one by the one before",
            "pointer by the freshness keys; manifest \(trusted.manifest.version) by the release keys and by size and hash",
            "neither is older than what was seen before, and both are valid",
        ]
        checks = trusted.offline == nil ? documents : documents.map { "when the server was last asked: \($0)" }
        checks += [
            "index and image document by size and SHA-256",
            "at each creation: metadata by size and SHA-256, rootfs block by block before it is decompressed",
        ]
        expires = [
            Expiry(what: "pointer", at: trusted.pointer.validUntil),
            Expiry(what: "manifest", at: trusted.manifest.validUntil),
            Expiry(what: "root document", at: trusted.root.expires),
            Expiry(
                what: "use without the server",
                at: build.serial.time.adding(seconds: Int64(clamping: build.document.lifetime))
            ),
        ]
        isCached = Self.isCached(build.document, layout)
        warnings = build.document.taints
        if tested == false { warnings.append("this build was published without tests") }
        if let offline = trusted.offline {
            warnings.append("the server's word is not to be had: \(offline.description)")
        }
    }

    private static func isCached(_ document: ImageDocument, _ layout: CacheLayout) -> Bool {
        ["rootfs.tar.zst", "rootfs.tar.xz"].contains { name in
            document.files[name].map { isFile(layout.object($0.sha256)) } ?? false
        }
    }

    /// Explains an image of a plain server.
    package init(_ name: ImageName, _ setting: ImageSetting<PlainServer>) throws(RootcellarError) {
        let session = try PlainSession(setting.server, setting.surroundings, setting.options, setting.narrator)
        let choice = PlainChoice(setting, session)
        let (build, known) = try choice.select(name, .normal)
        let sums = try choice.checksums(build)
        image = name.path
        serial = build.serial
        reason = "the only one that this server lists"
        url = setting.server.address.url
        server = nil
        kind = setting.server.kind
        signers = []
        if let signer = setting.server.signer {
            signers = [Signers(role: "files", threshold: 1, fingerprints: [signer.hex])]
        }
        age = (try? Serial(build.serial)).map { max(0, setting.surroundings.now.seconds - $0.time.seconds) }
        tested = nil
        expires = []
        if let known {
            expires = [
                Expiry(what: "use without the server", at: known.fetched.adding(seconds: PlainImage.lifetime))
            ]
        }
        isCached = known.map { isFile(setting.layout.object($0.rootfs.sha256)) } ?? false
        warnings = []
        switch setting.server.trust {
        case .signatures:
            checks = [
                "index by the detached signature beside it", "it names no older build than what is in the cache",
                "at each creation: metadata and rootfs by the detached signature beside each, before anything is"
                    + " decompressed, or by hash from the cache",
            ]
            if let sums {
                checks.append("the build's files belong together, by its signed checksums")
                if sums.hashes[ImageDocument.fileName] != nil {
                    checks.append("the build is this image, by its signed description")
                }
            }
            warnings.append("nothing signed says how new this is: an old tree could be replayed at first contact")
        case .hashes:
            checks = [
                "the connection, by its certificate", "the catalogue names no older build than what is in the cache",
                "at each creation: the rootfs by the catalogue's SHA-256, before anything is decompressed",
            ]
            warnings.append("the catalogue is not signed: whoever holds the server can change everything")
        case .nothing:
            checks = ["the connection, by its certificate"]
            warnings.append("nobody vouches for this image")
        }
    }
}
