// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// The downloader `rpmbootstrap`: a root made by this machine's dnf(8) out of the repositories that `source.url` describes.
struct RPMSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let source = context.definition.definition.source
        let dnf = try HostProgram.require("dnf", package: "dnf")
        let rpm = try HostProgram.require("rpm", package: "rpm")
        guard !source.url.isEmpty else {
            throw RootcellarError(
                .source,
                "source.url has to hold the text of a repository's file",
                subject: "\(source.downloaderPosition)"
            )
        }
        let keyFlags = try verification()
        let repositories = context.directory.temporary.appending("repositories")
        try makeHostDirectory(repositories)
        try building("write", repositories.string) { () throws(Errno) in
            try writeFile(repositories.appending("source.repo"), Array((source.url.text + "\n").utf8))
        }
        var packages = ["yum", "dnf"] + (try context.definition.components())
        var excluded: [String] = []
        for set in context.definition.earlySets() {
            if set.action == .install { packages += set.packages } else { excluded += set.packages }
        }
        let rootfs = context.directory.rootfs
        let arguments =
            [
                "--installroot=\(rootfs)", "--releasever=\(context.definition.definition.image.release)",
                "--setopt=reposdir=\(repositories)", "--setopt=install_weak_deps=False", "-y",
            ] + keyFlags + ["install"] + excluded.map { "--exclude=\($0)" } + packages
        // Debian's rpm has its database in the user's home (its README.Debian), and the image would not find it.
        let home = context.directory.temporary.appending("home")
        try makeHostDirectory(home)
        try building("write", home.string) { () throws(Errno) in
            try writeFile(home.appending(".rpmmacros"), Array("%_dbpath /var/lib/rpm\n".utf8))
        }
        let position = context.log.position()
        try context.log.step("bootstrap") { () throws(RootcellarError) in
            var environment = ["PATH": HostProgram.searchPath, "HOME": home.string, "LANG": "C.UTF-8"]
            if let proxy = context.options.proxy { environment["https_proxy"] = proxy }
            let status = try HostProgram.run(
                dnf,
                arguments,
                environment: environment,
                output: context.log.descriptor
            )
            guard status == 0 else {
                let said = context.log.tail(since: position, lines: 6).joined(separator: " | ")
                throw RootcellarError(
                    .source,
                    "dnf ended with status \(status): \(said)",
                    subject: "\(source.url.position)",
                    hint: "the log is \(context.keptLog.string)"
                )
            }
        }
        try RootfsDirectory(rootfs).forgetDnf()
        let newest = newest(rpm, rootfs, home)
        return OriginState(
            epoch: context.options.epoch ?? newest,
            inputs: ["source.repositories.sha256": SHA256Digest(hashing: Array(source.url.text.utf8)).description],
            taints: source.skipVerification
                ? ["source.skip_verification: the packages' signatures were not checked"] : []
        )
    }

    /// Keys of the definition count for every repository; without any, the repositories have to name theirs.
    private func verification() throws(RootcellarError) -> [String] {
        let source = context.definition.definition.source
        if source.skipVerification { return ["--nogpgcheck"] }
        let keys = try SourceKeys(source.keys)
        if !keys.blocks.isEmpty {
            let path = context.directory.temporary.appending("source-keys.asc")
            try building("write a key", path.string) { () throws(Errno) in
                try writeFile(path, Array(keys.blocks.joined()))
            }
            return ["--setopt=*.gpgcheck=1", "--setopt=*.gpgkey=file://\(path)"]
        }
        let lines = source.url.text.split(separator: "\n").map { $0.filter { $0 != " " } }
        guard lines.contains(where: { $0.hasPrefix("gpgkey=file:") }), lines.contains("gpgcheck=1"),
            !lines.contains("gpgcheck=0")
        else {
            throw RootcellarError(
                .source,
                "no key is given to verify the packages with",
                subject: "\(source.downloaderPosition)",
                hint: "put the distribution's public key into source.keys, or accept it with skip_verification: true,"
                    + " which taints the image"
            )
        }
        return []
    }

    /// When the newest of the packages was built.
    private func newest(_ rpm: FilePath, _ rootfs: FilePath, _ home: FilePath) -> Timestamp {
        let answer = HostProgram.capture(
            rpm,
            ["--root", rootfs.string, "-qa", "--qf", "%{BUILDTIME}\\n"],
            environment: ["PATH": HostProgram.searchPath, "HOME": home.string],
            errors: context.log.descriptor
        )
        let times = String(decoding: answer ?? [], as: UTF8.self).split(separator: "\n").compactMap { Int64($0) }
        return times.max().map { Timestamp(seconds: $0) } ?? context.definition.serialTime
    }
}

extension RootfsDirectory {
    /// Removes what dnf(8) keeps for itself below the root that it installs into.
    func forgetDnf() throws(RootcellarError) {
        for path in ["/var/cache/dnf", "/var/cache/yum"] { try empty(path) }
        for name in ["dnf.log", "dnf.librepo.log", "dnf.rpm.log", "hawkey.log"] { try remove("/var/log/\(name)") }
    }
}
