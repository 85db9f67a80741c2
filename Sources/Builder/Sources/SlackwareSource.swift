// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `slackware-http`: the packages of a small system, each verified and installed.
struct SlackwareSource: RootSource {
    let context: BuildContext

    private static let series = ["a", "ap", "d", "l", "n"]
    private static let packages: Set<String> = [
        "aaa_base", "aaa_elflibs", "aaa_glibc-solibs", "aaa_libraries", "aaa_terminfo", "acl", "attr", "bash", "bin",
        "bzip2", "ca-certificates", "coreutils", "cracklib", "dhcpcd", "dialog", "diffutils", "e2fsprogs", "elogind",
        "elvis", "etc", "file", "findutils", "gawk", "gettext", "glibc", "glibc-solibs", "gmp", "gnupg", "grep", "gzip",
        "hostname", "inetd", "iproute2", "iputils", "libaio", "libcgroup", "libmnl", "libpsl", "libpwquality",
        "libseccomp", "libunistring", "mpfr", "nano", "ncurses", "network-scripts", "nvi", "openssl", "pam", "patch",
        "pcre", "pcre2", "perl", "pkgtools", "procps", "sed", "shadow", "slackpkg", "sysfsutils", "sysvinit",
        "sysvinit-scripts", "tar", "time", "tree", "utempter", "util-linux", "wget", "which", "xz",
    ]

    func fill() throws(RootcellarError) -> OriginState {
        let image = context.definition.definition.image
        let architecture = context.definition.mappedArchitecture
        let suffix: String
        switch architecture {
        case "x86_64", "amd64": suffix = "64"
        case "i586", "i386": suffix = ""
        default:
            throw RootcellarError(
                .definition,
                "there is no Slackware for '\(architecture)'",
                subject: "\(image.position)",
                hint: "set mappings.architecture_map to slackware"
            )
        }
        let top = "slackware\(suffix)-\(image.release)"
        let fetch = try SourceFetch(context)
        var found: [(directory: String, file: String)] = []
        for series in Self.series {
            let directory = "\(top)/slackware\(suffix)/\(series)"
            guard let page = try fetch.page(directory) else { continue }
            for file in page.names.sorted(by: VersionOrder.isOlder) {
                guard let package = SlackwarePackage(file: file), package.isOne(of: Self.packages) else { continue }
                found.append((directory, file))
            }
        }
        guard found.contains(where: { $0.file.hasPrefix("pkgtools-") }) else {
            throw RootcellarError(.source, "there are no packages of a release", subject: fetch.url(top) + "/")
        }
        var installation = try SlackwareInstallation(
            context,
            SlackwareInstallation.Database(directory: "/var/lib/pkgtools", hasFullNames: true)
        )
        for (directory, file) in found {
            try installation.unpack(try fetch.package("\(directory)/\(file)", top: top))
        }
        let rootfs = try RootfsDirectory(context.directory.rootfs)
        for name in ["packages", "scripts"] where !rootfs.exists("/var/log/\(name)") {
            try rootfs.link("/var/log/\(name)", to: "../lib/pkgtools/\(name)")
        }
        try installation.runScripts()
        try adapt(rootfs, mirror: fetch.url(top) + "/")
        return fetch.state(installation.newest)
    }

    /// Takes out what is the host's business in a container, and lets it ask for an address.
    private func adapt(_ rootfs: RootfsDirectory, mirror: String) throws(RootcellarError) {
        func change(_ path: String, _ changes: [(String, String)]) throws(RootcellarError) {
            guard let bytes = try rootfs.read(path) else { return }
            var text = String(decoding: bytes, as: UTF8.self)
            for (old, new) in changes { text = text.replacing(old, with: new) }
            try rootfs.write(path, Array(text.utf8))
        }
        try change("/etc/rc.d/rc.M", [("/bin/dmesg", "#/bin/dmesg")])
        try change("/etc/rc.d/rc.inet1", [("/sbin/modprobe", "echo")])
        try change("/etc/rc.d/rc.elogind", [("cd /sys/fs/cgroup;", "")])
        try change(
            "/etc/rc.d/rc.inet1.conf",
            [("USE_DHCP[0]=\"\"", "USE_DHCP[0]=\"yes\""), ("USE_DHCP6[0]=\"\"", "USE_DHCP6[0]=\"yes\"")]
        )
        if !rootfs.exists("/etc/fstab") { try rootfs.write("/etc/fstab", []) }
        try rootfs.write("/etc/slackpkg/mirrors", Array("\(mirror)\n".utf8))
    }
}

extension SourceFetch {
    /// Fetches and verifies a package of many: by a signature of its own, or by one list for all.
    func package(_ path: String, top: String) throws(RootcellarError) -> FetchedFile {
        let list = "\(top)/SHA256SUMS"
        return try verified(
            path,
            [
                .signature("\(path).asc"), .list(list, .sha256, signature: "\(list).asc"),
                .plainList(list, .sha256),
            ]
        )
    }
}
