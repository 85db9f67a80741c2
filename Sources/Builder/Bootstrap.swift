// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// Puts the first packages into the root with mmdebstrap(1).
///
/// In two runs: the first only fetches and verifies what the archive says, so that its date, which is the build's
/// SOURCE_DATE_EPOCH, is known before the first package is unpacked; the second takes exactly that state.
struct Bootstrap {
    /// What to do and with what.
    let context: BuildContext
    /// The definition's own keys, if it has any.
    let keyring: FilePath?
    private let program: FilePath
    private let rootfs: FilePath
    private let components: [String]
    private let keys: [[UInt8]]
    private let settings: AptSettings

    init(_ context: BuildContext, keyring: FilePath?) throws(RootcellarError) {
        self.context = context
        self.keyring = keyring
        program = try HostProgram.require("mmdebstrap", package: "mmdebstrap")
        rootfs = context.directory.rootfs
        components = try context.definition.components()
        keys = try Keyring.blocks(context.options)
        let authorities = context.directory.temporary.appending("authorities.pem")
        try AptSettings.copyAuthorities(context.options, to: authorities)
        settings = AptSettings(context.options, authorities: authorities.string)
    }

    /// Everything that decides which packages are taken, the state of the archive left out.
    var inputs: SHA256Digest {
        let text =
            (arguments(fetchOnly: false) + trailing).filter { !$0.contains(context.directory.path.string) }
            + keys.map { SHA256Digest(hashing: $0).description }
            + ["\(context.definition.definition.source.skipVerification)"]
        return SHA256Digest(hashing: Array(text.joined(separator: "\n").utf8))
    }

    private func arguments(fetchOnly: Bool) -> [String] {
        let source = context.definition.definition.source
        var arguments = [
            "--mode=root", "--format=directory", "--architectures=\(context.architecture)",
            "--variant=\(source.variant.isEmpty ? "debootstrap" : source.variant)",
        ]
        if !components.isEmpty { arguments.append("--components=\(components.joined(separator: ","))") }
        if let keyring {
            // Without the check, no path of this machine gets into the image's list of sources.
            arguments += ["--keyring=\(keyring.string)", "--skip=check/signed-by"]
        }
        if !settings.values.isEmpty {
            // Into the file that only this build's apt reads: what --aptopt says would stay in the image.
            arguments.append("--setup-hook=printf %s \"$ROOTCELLAR_APT\" >>\"$MMDEBSTRAP_APT_CONFIG\"")
        }
        let packages = context.definition.earlySets().flatMap(\.packages)
        if !packages.isEmpty { arguments.append("--include=\(packages.joined(separator: ","))") }
        if fetchOnly {
            arguments.append(
                "--setup-hook=APT_CONFIG=\"$MMDEBSTRAP_APT_CONFIG\" apt-get update --error-on=any"
                    + " && : > \"$ROOTCELLAR_FETCHED\"; exit 1"
            )
            // Lists of an earlier run, by which apt asks whether they have changed.
            arguments.append("--skip=check/empty")
        } else {
            arguments.append(
                "--skip=check/empty,update,essential/unlink,cleanup/apt,cleanup/reproducible,output/dev"
            )
        }
        return arguments
    }

    private var trailing: [String] {
        let source = context.definition.definition.source
        let image = context.definition.definition.image
        let suite = source.suite.isEmpty ? image.release : source.suite
        return [suite, rootfs.string]
            + SourcesList.arguments(
                source,
                distribution: image.distribution,
                suite: suite,
                components: components,
                mirror: context.options.mirror
            )
    }

    private func environment(_ more: [String: String]) -> [String: String] {
        var environment = [
            "PATH": HostProgram.searchPath, "HOME": "/root", "LANG": "C.UTF-8", "TERM": "dumb",
            "TMPDIR": context.directory.temporary.string, "DEBIAN_FRONTEND": "noninteractive",
        ]
        if let proxy = context.options.proxy {
            environment["http_proxy"] = proxy
            environment["https_proxy"] = proxy
        }
        environment["ROOTCELLAR_APT"] = settings.text
        return environment.merging(more) { $1 }
    }

    /// Fetches the archive's lists into the root.
    ///
    /// - Throws: `SOURCE` if the archive cannot be reached or verified.
    func fetch() throws(RootcellarError) {
        let mark = context.directory.path.appending("fetched")
        let position = context.log.position()
        context.cache?.bootstraps.restoreLists(inputs, into: rootfs.appending("var/lib/apt/lists"))
        _ = try HostProgram.run(
            program,
            arguments(fetchOnly: true) + trailing,
            environment: environment(["ROOTCELLAR_FETCHED": mark.string]),
            output: context.log.descriptor
        )
        guard let file = try? openPath(mark, .readOnly) else {
            throw failure("the archive cannot be read", .source, position)
        }
        file.closeQuietly()
        // What else mmdebstrap made is made again; only what apt has verified stays.
        let lists = context.directory.scratch.appending("lists")
        try renameHost(rootfs.appending("var/lib/apt/lists"), to: lists)
        try building("empty", rootfs.string) { () throws(Errno) in try removeHostDirectory(rootfs) }
        try makeHostDirectories(rootfs.appending("var/lib/apt"))
        try renameHost(lists, to: rootfs.appending("var/lib/apt/lists"))
        try context.cache?.bootstraps.keepLists(inputs, from: rootfs.appending("var/lib/apt/lists"))
    }

    /// Fills the root.
    ///
    /// - Throws: `SOURCE` if packages cannot be had, `BUILD` if they cannot be installed.
    func install(epoch: Timestamp) throws(RootcellarError) {
        let root = try RootfsDirectory(rootfs)
        let index = try PackageIndex.read(root)
        if let cache = context.cache?.packages {
            let wanted = cache.remembered(inputs)
            let entries = Dictionary(
                uniqueKeysWithValues: wanted.compactMap { hash in
                    index.entries[hash].map { (hash, $0) }
                }
            )
            let saved = try cache.seed(entries, into: root)
            context.log.note("\(saved >> 10) KiB of packages from the cache")
        }
        let merged = MergedUsr(root, architecture: context.architecture)
        if index.offers(MergedUsr.package) { try merged.prepare() }
        let position = context.log.position()
        let status = try HostProgram.run(
            program,
            arguments(fetchOnly: false) + trailing,
            environment: environment(["SOURCE_DATE_EPOCH": String(epoch.seconds)]),
            output: context.log.descriptor
        )
        guard status == 0 else {
            let isFetch = context.log.tail(since: position, lines: 40).contains { $0.hasPrefix(AptSettings.notFetched) }
            throw isFetch
                ? failure("a package cannot be had", .source, position)
                : failure("the bootstrap failed with status \(status)", .build, position)
        }
        if let cache = context.cache?.packages { cache.remember(inputs, try cache.keep(from: root, index)) }
        try merged.tidy()
        try tidy(root)
    }

    /// Takes away what mmdebstrap copied from this machine.
    private func tidy(_ root: RootfsDirectory) throws(RootcellarError) {
        try root.empty("/dev")
        // A package may have put a link there; that stays.
        if root.isRegularFile("/etc/resolv.conf") { try root.write("/etc/resolv.conf", [], mode: 0o644) }
        try root.remove("/etc/hostname")
        try root.write("/etc/hostname", Array("\(Sandbox.hostname)\n".utf8))
        if !root.exists("/etc/hosts") {
            try root.write("/etc/hosts", Array("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n".utf8))
        }
        if let bytes = try root.read("/etc/apt/sources.list") {
            let text = SourcesList.forImage(String(decoding: bytes, as: UTF8.self))
            try root.write("/etc/apt/sources.list", Array(text.utf8))
        }
    }

    private func failure(_ reason: String, _ errorClass: ErrorClass, _ position: Int) -> RootcellarError {
        // Not what mmdebstrap says about our own hook and itself, nor that root downloads where nobody else may go.
        let lines = context.log.tail(since: position).filter { line in
            (line.hasPrefix("E: ") || line.hasPrefix("W: "))
                && !["ROOTCELLAR_FETCHED", "mmdebstrap failed to run", "is performed unsandboxed"]
                    .contains { line.contains($0) }
        }
        // One that cannot be had is enough, and says why; what follows is apt's own way of saying that it ends.
        let missing = lines.filter { $0.hasPrefix(AptSettings.notFetched) }.prefix(1)
        let detail =
            !missing.isEmpty ? Array(missing) : lines.isEmpty ? context.log.tail(since: position, lines: 5) : lines
        return RootcellarError(
            errorClass,
            "\(reason): \(detail.joined(separator: " | "))",
            subject: trailing.first ?? "",
            hint: "the log is \(context.keptLog.string)"
        )
    }
}
