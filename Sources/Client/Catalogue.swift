// SPDX-License-Identifier: Apache-2.0

package import Model

/// What a trusted server publishes, down to single builds.
package struct Catalogue {
    /// One build and the document that describes it.
    package struct Build {
        package var name: ImageName
        package var serial: Serial
        /// Size and hash of `document`.
        package var reference: FileReference
        package var document: ImageDocument
    }

    private let server: TrustedServer

    /// The catalogue of a server.
    package init(_ server: TrustedServer) { self.server = server }

    /// The names of all distributions, sorted.
    package var distributions: [String] { server.manifest.indexes.keys.sorted() }

    /// Every image of a distribution with its builds, oldest first.
    ///
    /// - Throws: `POLICY` for a distribution that is not published, or not shown to us, and whatever reading the index throws.
    package func images(
        of distribution: String
    ) throws(RootcellarError) -> [(name: ImageName, image: IndexShard.Image)] {
        if let images = try imagesIfShown(of: distribution) { return images }
        throw RootcellarError(
            .transport,
            "the index of this distribution is signed as published, and is not there",
            subject: distribution,
            hint:
                "its images may be private: see --token-file of 'trust add'; or the server is in the middle of an update,"
                + " try again"
        )
    }

    /// The same; nil for a distribution that the server does not show to us.
    package func imagesIfShown(
        of distribution: String
    ) throws(RootcellarError) -> [(name: ImageName, image: IndexShard.Image)]? {
        guard let reference = server.manifest.indexes[distribution] else {
            throw RootcellarError(
                .policy,
                "no such distribution on this server",
                subject: distribution,
                hint: nearestName(to: distribution, among: distributions).map { "did you mean '\($0)'?" }
                    ?? "see --list"
            )
        }
        let path = TreePath.index(reference.sha256)
        guard let bytes = try server.bytesIfShown(path, reference, limit: 16 << 20) else { return nil }
        let shard = try IndexShard(verified: bytes, subject: path)
        guard shard.server == server.manifest.server, shard.distribution == distribution else {
            throw RootcellarError(
                .binding,
                "an index of '\(shard.server)' for '\(shard.distribution)', asked was '\(distribution)'",
                subject: path
            )
        }
        return zip(try shard.catalogue(subject: path), shard.images).map { ($0.name, $1) }
    }

    /// The build of an image that is wanted; builds that were taken back are not there.
    ///
    /// - Throws: `POLICY` if there is no such image or no such build of it.
    package func current(_ name: ImageName, _ wish: BuildWish = BuildWish()) throws(RootcellarError) -> Build {
        let images = try images(of: name.distribution)
        guard let image = images.first(where: { $0.name == name })?.image else {
            throw RootcellarError(
                .policy,
                "no such image on this server",
                subject: name.path,
                hint: Self.suggestion(name, images.map(\.name))
            )
        }
        guard let build = current(image, wish) else {
            guard wish.isSpecial else {
                throw RootcellarError(.policy, "every build of this image was taken back", subject: name.path)
            }
            let channels = (image.channels ?? []).map(\.name)
            throw RootcellarError(
                .policy,
                "no build of this image is there \(wish.description)",
                subject: name.path,
                hint: "its builds go back to \(image.builds[0].serial); its channels: "
                    + (channels.isEmpty ? "none" : channels.joined(separator: ", "))
            )
        }
        return try self.build(name, build)
    }

    /// The build of an image of this catalogue that is wanted; nil if there is none.
    package func current(_ image: IndexShard.Image, _ wish: BuildWish = BuildWish()) -> IndexShard.Build? {
        image.current(channel: wish.channel, asOf: wish.asOf, revoked: Set(server.manifest.revoked.map(\.image)))
    }

    /// The document of one build, checked to be what the index says.
    package func build(_ name: ImageName, _ build: IndexShard.Build) throws(RootcellarError) -> Build {
        let path = TreePath.file(name, build.serial, ImageDocument.fileName)
        let bytes = try server.bytes(path, build.image, limit: ImageDocument.limit)
        let document = try ImageDocument(verified: bytes, subject: path)
        guard try document.name() == name, document.serial == build.serial else {
            throw RootcellarError(
                .binding,
                "this document is of \(try document.name()) \(document.serial)",
                subject: path
            )
        }
        return Build(name: name, serial: build.serial, reference: build.image, document: document)
    }

    /// - Throws: `POLICY` if the build was taken back by its server.
    package func checkNotRevoked(_ image: SHA256Digest, _ name: ImageName) throws(RootcellarError) {
        guard let revocation = server.manifest.revoked.first(where: { $0.image == image }) else { return }
        throw RootcellarError(
            .policy,
            "this build was taken back by its server (\(revocation.reason))",
            subject: name.path
        )
    }

    static func suggestion(_ name: ImageName, _ names: [ImageName]) -> String {
        let others = names.filter { $0.release == name.release && $0.architecture == name.architecture }
        if !others.isEmpty { return "there are the variants: \(others.map(\.variant).joined(separator: ", "))" }
        let releases = Set(names.map(\.release)).sorted()
        if let near = nearestName(to: name.release, among: releases) {
            return near == name.release
                ? "there are the architectures: "
                    + Set(names.filter { $0.release == near }.map(\.architecture)).sorted().joined(separator: ", ")
                : "did you mean the release '\(near)'?"
        }
        return "there are the releases: \(releases.joined(separator: ", "))"
    }
}
