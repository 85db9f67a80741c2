// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import SystemPackage

/// The package manager of Debian's family, run inside the image.
struct AptManager: PackageManaging {
    let context: BuildContext
    let rootfs: RootfsDirectory
    var environment: [String: String]

    /// The first line of a list of ours: a file without it is somebody else's and replaced.
    private static let header = "# Written while the image was built.\n"

    /// Where apt finds the configured certificate authorities: in `/run`, which is of the build and not of the image.
    private static let authorities = "rootcellar-authorities.pem"
    private var settings: AptSettings { AptSettings(context.options, authorities: "/run/\(Self.authorities)") }

    func prepare() throws(RootcellarError) {
        try AptSettings.copyAuthorities(
            context.options,
            to: context.directory.phaseRun.appending(Self.authorities)
        )
    }

    /// - Throws: `SOURCE` for a key that is only named, `BUILD` if a file cannot be written.
    func addRepositories(_ items: [RepositoryItem]) throws(RootcellarError) {
        for item in items {
            let path = try Self.listPath(item)
            var text = Self.header
            if let there = try rootfs.read(path), there.starts(with: Self.header.utf8) {
                text = String(decoding: there, as: UTF8.self)
            }
            text += item.url.text.hasSuffix("\n") ? item.url.text : item.url.text + "\n"
            try rootfs.write(path, Array(text.utf8), mode: 0o644)
            guard !item.key.isEmpty else { continue }
            let key = Array(try Keyring.blocks(try SourceKeys([item.key]), at: "\(item.key.position)").joined())
            try rootfs.write("/etc/apt/trusted.gpg.d/\(item.name).asc", key, mode: 0o644)
        }
    }

    /// `sources.list` is the main list, every other name one of `sources.list.d`.
    static func listPath(_ item: RepositoryItem) throws(RootcellarError) -> String {
        guard !item.name.isEmpty, !item.name.utf8.contains(0x2F), item.name != "..", item.name != "." else {
            throw RootcellarError(
                .definition,
                "not the name of a repository's file: '\(item.name)'",
                subject: "\(item.position)"
            )
        }
        if item.name == "sources.list" { return "/etc/apt/sources.list" }
        return "/etc/apt/sources.list.d/\(item.name)\(item.name.hasSuffix(".list") ? "" : ".list")"
    }

    func refresh() throws(RootcellarError) { try apt(["update", "--error-on=any"], .source) }

    func update() throws(RootcellarError) { try fetching(["dist-upgrade"]) }

    func apply(_ set: PackageSet) throws(RootcellarError) {
        guard !set.packages.isEmpty else { return }
        switch set.action {
        case .install: try fetching(["install"] + set.flags + set.packages)
        case .remove: try apt(["remove", "--auto-remove"] + set.flags + set.packages, .build)
        }
    }

    func clean() throws(RootcellarError) { try apt(["clean"], .build) }

    private var common: [String] {
        ["-y", "-q", "-o", "Dpkg::Use-Pty=false", "-o", "Dpkg::Options::=--force-unsafe-io"] + settings.words
    }

    private func apt(_ arguments: [String], _ errorClass: ErrorClass) throws(RootcellarError) {
        context.log.note("apt-get \(arguments.joined(separator: " "))")
        let position = context.log.position()
        let status = try context.sandbox.run(["apt-get"] + common + arguments, environment: environment)
        guard status == 0 else {
            let lines = context.log.tail(since: position).suffix(8)
            let isFetch = lines.contains { $0.hasPrefix(AptSettings.notFetched) }
            throw RootcellarError(
                isFetch ? .source : errorClass,
                "'apt-get \(arguments.first ?? "")' ended with status \(status): "
                    + lines.joined(separator: " | "),
                subject: arguments.dropFirst().joined(separator: " "),
                hint: "the log is \(context.keptLog.string)"
            )
        }
    }

    /// Does something for which packages have to be fetched, as far as possible from the cache.
    private func fetching(_ arguments: [String]) throws(RootcellarError) {
        guard let cache = context.cache?.packages else { return try apt(arguments, .build) }
        let index = try PackageIndex.read(rootfs)
        let plan = try context.sandbox.capture(
            ["apt-get"] + common + ["-qq", "--print-uris"] + arguments,
            environment: environment
        )
        let wanted = Self.wanted(plan ?? [], index)
        if !wanted.isEmpty {
            let saved = try cache.seed(wanted, into: rootfs)
            context.log.note("\(saved >> 10) KiB of packages from the cache")
        }
        try apt(arguments, .build)
        if !wanted.isEmpty { _ = try cache.keep(from: rootfs, index) }
    }

    /// The files that `apt-get --print-uris` names, lines `'URI' file-name size hash`, as far as the verified lists
    /// know them.
    static func wanted(_ plan: [UInt8], _ index: PackageIndex) -> [String: PackageIndex.Entry] {
        let names = Set(
            String(decoding: plan, as: UTF8.self).split(separator: "\n").compactMap { line -> String? in
                let words = line.split(separator: " ")
                return words.count >= 3 && line.hasPrefix("'") ? String(words[1]) : nil
            }
        )
        return index.entries.filter { names.contains($0.value.fileName) }
    }
}
