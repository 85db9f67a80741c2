// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// The installer of a distribution of RPM packages, by its ISO image: its own root is unpacked, and its own dnf installs
/// a root out of the packages that are on the image, or of the distribution's server. Nothing is mounted, and everything
/// that the installer runs is in a sandbox.
struct Installer {
    let context: BuildContext
    let fetch: SourceFetch
    /// What is installed.
    let packages: [String]
    /// What `$releasever` is.
    let release: String
    /// Where packages come from if none are on the image: paths below the server's address, or whole addresses.
    let repositories: [String]

    /// Where the installer finds what it needs, in its own root.
    private static let place = "/rootcellar"

    private var directory: FilePath { context.directory.scratch.appending("installer") }

    /// Fetches an image, verifies it and fills the root.
    func fill(from path: String, _ proofs: [SourceProof]) throws(RootcellarError) -> OriginState {
        let file = try fetch.verified(path, proofs)
        let image = try ISOImage(file.descriptor, size: file.size, name: file.name)
        let unpacked = try unpackSystem(file, image)
        let installer = try RootfsDirectory(directory)
        try installer.remove(Self.place)
        let onImage = try copyPackages(image, installer)
        let repository = try describe(onImage: onImage, installer)
        try building("forget", file.path.string) { () throws(Errno) in try truncateAndRewind(file.descriptor) }
        try install(onImage: onImage, repository, installer)
        let newest = max(image.created ?? unpacked, newestPackage())
        try building("empty", directory.string) { () throws(Errno) in try removeHostDirectory(directory) }
        return fetch.state(newest)
    }

    // MARK: - The installer's root

    /// Unpacks the installer's root: a squashfs, in which mostly lies an image of ext4.
    private func unpackSystem(_ file: FetchedFile, _ image: ISOImage) throws(RootcellarError) -> Timestamp {
        let candidates = ["LiveOS/squashfs.img", "images/install.img"]
        var found: (path: String, entry: ISOImage.Entry)?
        for path in candidates {
            if let entry = try image.entry(path) {
                found = (path, entry)
                break
            }
        }
        guard let found else {
            throw RootcellarError(
                .source,
                "there is no \(candidates.joined(separator: " and no "))",
                subject: file.name
            )
        }
        return try context.log.step("unpack \(found.path)") { () throws(RootcellarError) in
            let (system, outer) = try unpack(found.entry, found.path, file, image, into: directory)
            let inner = directory.appending("LiveOS/rootfs.img")
            let wrapping = try RootfsDirectory(directory)
            guard wrapping.isDirectory("/LiveOS"), wrapping.isRegularFile("/LiveOS/rootfs.img") else { return outer }
            // One file system in another: the outer one is only its wrapping.
            let wrapped = context.directory.scratch.appending("rootfs.img")
            try renameHost(inner, to: wrapped)
            try building("empty", directory.string) { () throws(Errno) in try removeHostDirectory(directory) }
            try makeHostDirectory(directory)
            guard let ext = try ExtImage(wrapped, offset: 0) else {
                throw RootcellarError(.source, "LiveOS/rootfs.img is no ext4 file system", subject: system)
            }
            try ext.extract(into: directory, name: system, log: context.log)
            try building("forget", wrapped.string) { () throws(Errno) in try writeFile(wrapped, []) }
            return outer
        }
    }

    private func unpack(
        _ entry: ISOImage.Entry,
        _ path: String,
        _ file: FetchedFile,
        _ image: ISOImage,
        into directory: FilePath
    ) throws(RootcellarError) -> (name: String, Timestamp) {
        let name = "\(file.name): \(path)"
        guard let place = try image.place(of: entry) else {
            throw RootcellarError(.source, "it lies in pieces", subject: name)
        }
        let squashfs = Squashfs(path: file.path, offset: place.offset, name: name, log: context.log)
        return (name, try squashfs.unpack(into: directory, roughly: true))
    }

    // MARK: - Packages

    /// Copies the packages that are on the image.
    ///
    /// - Returns: false if there are none.
    private func copyPackages(_ image: ISOImage, _ installer: RootfsDirectory) throws(RootcellarError) -> Bool {
        let flavour = context.definition.definition.source.variant
        for path in ["", "BaseOS", flavour] {
            let start = path.isEmpty ? "" : "\(path)/"
            guard let list = try image.entry("\(start)repodata"), list.isDirectory,
                let packages = try image.entry("\(start)Packages"), packages.isDirectory
            else { continue }
            var files: [(String, ISOImage.Entry)] = []
            try image.walk(packages) { name, entry in files.append(("Packages/\(name)", entry)) }
            // On some images this directory is there and empty, and the packages are in the flavour's.
            guard files.contains(where: { $0.0.hasSuffix(".rpm") }) else { continue }
            try image.walk(list) { name, entry in files.append(("repodata/\(name)", entry)) }
            try context.log.step("copy \(files.count) packages") { () throws(RootcellarError) in
                for (name, entry) in files { try copy(image, entry, to: "\(Self.place)/image/\(name)", installer) }
            }
            return true
        }
        return false
    }

    private func copy(
        _ image: ISOImage,
        _ entry: ISOImage.Entry,
        to path: String,
        _ installer: RootfsDirectory
    ) throws(RootcellarError) {
        try image.check(entry)
        try installer.write(path) { file throws(Errno) in try image.copy(entry, to: file) }
    }

    /// Writes the repositories, and the keys that packages are checked by.
    ///
    /// - Throws: `SOURCE` if packages from a server could not be verified.
    private func describe(onImage: Bool, _ installer: RootfsDirectory) throws(RootcellarError) -> [String] {
        var keys: [String] = []
        for (number, block) in fetch.keys.blocks.enumerated() {
            let path = "\(Self.place)/keys/\(number)"
            try installer.write(path, block)
            keys.append("file://\(path)")
        }
        for name in installer.names("/etc/pki/rpm-gpg") {
            let path = "/etc/pki/rpm-gpg/\(String(decoding: name, as: UTF8.self))"
            if installer.isRegularFile(path) { keys.append("file://\(path)") }
        }
        let skips = context.definition.definition.source.skipVerification
        let canCheck = !keys.isEmpty && installer.exists("/usr/bin/rpmkeys")
        guard onImage || canCheck || skips else {
            throw RootcellarError(
                .source,
                "the installer has no key to verify packages of a server with",
                subject: "\(context.definition.definition.source.downloaderPosition)",
                hint: "put the distribution's public key into source.keys, or take an image with packages"
            )
        }
        // What is on the image was verified with it, so that a second proof is welcome but not needed.
        let checks = canCheck && !(skips && fetch.keys.isEmpty)
        if !onImage, !checks { fetch.taint("the packages") }
        fetch.record("packages", verifiedBy: checks ? "rpm signatures" : onImage ? "the image" : "nobody")
        var text = ""
        let addresses = onImage ? ["file://\(Self.place)/image"] : repositories.map(address)
        for (number, address) in addresses.enumerated() {
            text += "[source-\(number)]\nname=source-\(number)\nbaseurl=\(address)\nenabled=1\n"
            text += checks ? "gpgcheck=1\ngpgkey=\(keys.joined(separator: " "))\n" : "gpgcheck=0\n"
            if let authorities = context.options.certificateAuthorities, !onImage {
                let bytes = try building("read", authorities) { () throws(Errno) in try readFile(FilePath(authorities))
                }
                try installer.write("\(Self.place)/authorities.pem", bytes)
                text += "sslcacert=\(Self.place)/authorities.pem\n"
            }
            if let proxy = context.options.proxy, !onImage { text += "proxy=\(proxy)\n" }
        }
        try installer.write("\(Self.place)/repositories/source.repo", Array(text.utf8))
        return addresses
    }

    private func address(_ path: String) -> String { path.contains("://") ? path : fetch.url(path) }

    // MARK: - Installing

    private func install(
        onImage: Bool,
        _ addresses: [String],
        _ installer: RootfsDirectory
    ) throws(RootcellarError) {
        // Programs look for both and mind if they are not there.
        for path in ["/etc/mtab", "/etc/fstab"] where !installer.exists(path) { try installer.write(path, []) }
        guard let program = ["dnf", "yum"].first(where: { installer.exists("/usr/bin/\($0)") }) else {
            throw RootcellarError(.source, "the installer has neither dnf nor yum", subject: "/usr/bin")
        }
        let command =
            [
                program, "-y", "--installroot=/rootfs", "--releasever=\(release)",
                "--setopt=reposdir=\(Self.place)/repositories", "--skip-broken", "install",
            ] + packages
        let position = context.log.position()
        let status = try context.log.step("install \(packages.joined(separator: ", "))") { () throws(RootcellarError) in
            try context.directory.beginPhase()
            return try sandbox.run(command, environment: environment)
        }
        let rootfs = try RootfsDirectory(context.directory.rootfs)
        guard status == 0, rootfs.exists("/usr/bin") || rootfs.exists("/bin") else {
            let said = context.log.tail(since: position, lines: 6).joined(separator: " | ")
            throw RootcellarError(
                .source,
                "the installer's \(program) ended with status \(status): \(said)",
                subject: addresses.joined(separator: " "),
                hint: "the log is \(context.keptLog.string)"
            )
        }
        // Scripts of packages had no nodes here, and made files.
        try rootfs.empty("/dev")
        try rootfs.forgetDnf()
    }

    private var environment: [String: String] {
        ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", "LANG": "C.UTF-8"]
    }

    /// Around the installer's root, with the image's below it.
    private var sandbox: Sandbox {
        var sandbox = context.sandbox
        sandbox.root = directory
        sandbox.binds.append((context.directory.rootfs, "/rootfs"))
        return sandbox
    }

    /// When the newest of the packages was built, as the installer's rpm says.
    private func newestPackage() -> Timestamp {
        let command = ["rpm", "--root", "/rootfs", "-qa", "--qf", "%{BUILDTIME}\\n"]
        let answer = (try? sandbox.capture(command, environment: environment)) ?? nil
        let times = String(decoding: answer ?? [], as: UTF8.self).split(separator: "\n").compactMap { Int64($0) }
        return Timestamp(seconds: times.max() ?? 0)
    }
}

extension Installer {
    /// Fills the root by the newest installer of a release, where images and packages lie as AlmaLinux and Rocky Linux
    /// have them, by the signed list beside it.
    ///
    /// - Parameters:
    ///   - product: as the image's name has it.
    ///   - releasePackage: the package by which the distribution knows itself.
    static func fill(
        _ context: BuildContext,
        product: String,
        releasePackage: String
    ) throws(RootcellarError) -> OriginState {
        let definition = context.definition.definition
        let release = definition.image.release.lowercased()
        let architecture = context.rpmArchitecture
        let directory = "\(release)/isos/\(architecture)"
        let fetch = try SourceFetch(context)
        let path = try fetch.installer(
            in: directory,
            product: product,
            version: release,
            architecture: architecture,
            variant: definition.source.variant
        )
        let installer = Installer(
            context: context,
            fetch: fetch,
            packages: ["basesystem", releasePackage, "yum"],
            release: major(release),
            repositories: ["BaseOS", "AppStream"].map { "\(release)/\($0)/\(architecture)/os/" }
        )
        return try installer.fill(from: path, SourceFetch.listProofs(directory, ["CHECKSUM"]))
    }

    /// `9` of `9.4`.
    static func major(_ release: String) -> String { String(release.prefix { $0 != "." }) }
}

extension BuildContext {
    /// The image's architecture as distributions of RPM packages call it, whichever name the definition has.
    var rpmArchitecture: String {
        let mapped = definition.mappedArchitecture
        let known = ["amd64": "x86_64", "arm64": "aarch64", "i386": "i686", "ppc64el": "ppc64le"]
        return known[mapped] ?? mapped
    }
}
