// SPDX-License-Identifier: Apache-2.0

import Model

/// What is installed in an image, by the database of whichever package manager it has.
struct InstalledPackages {
    /// Which kind of packages they are, in the words of package URLs; nil if no database is known.
    var type: String?
    /// Sorted by name and architecture.
    var packages: [ImageDocument.Package]

    /// Reads the database of the image. rpm's has a form of its own, so that the image's rpm is asked.
    static func read(_ rootfs: RootfsDirectory, _ context: BuildContext) throws(RootcellarError) -> InstalledPackages {
        func text(_ path: String) throws(RootcellarError) -> String? {
            try rootfs.read(path, limit: 256 << 20).map { String(decoding: $0, as: UTF8.self) }
        }
        if let status = try text("/var/lib/dpkg/status") {
            return InstalledPackages(type: "deb", packages: DpkgStatus.packages(status))
        }
        for path in ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"] {
            if let status = try text(path) {
                return InstalledPackages(type: "apk", packages: ApkDatabase.packages(status))
            }
        }
        if rootfs.isDirectory("/var/lib/pacman/local") {
            var packages: [ImageDocument.Package] = []
            for name in rootfs.names("/var/lib/pacman/local").map({ String(decoding: $0, as: UTF8.self) }) {
                guard let desc = try text("/var/lib/pacman/local/\(name)/desc") else { continue }
                if let package = PacmanDatabase.package(desc) { packages.append(package) }
            }
            return InstalledPackages(type: "alpm", packages: sorted(packages))
        }
        for path in ["/usr/lib/opkg/status", "/var/lib/opkg/status"] {
            if let status = try text(path) {
                return InstalledPackages(type: "opkg", packages: DpkgStatus.packages(status))
            }
        }
        if rootfs.exists("/var/lib/rpm") || rootfs.exists("/usr/lib/sysimage/rpm") {
            let answer = try context.sandbox.capture(
                ["rpm", "-qa", "--qf", RpmList.format],
                environment: ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root", "LC_ALL": "C"]
            )
            if let answer {
                return InstalledPackages(
                    type: "rpm",
                    packages: sorted(RpmList.packages(String(decoding: answer, as: UTF8.self)))
                )
            }
        }
        for path in ["/var/lib/pkgtools/packages", "/var/log/packages"] where rootfs.exists(path) {
            var packages: [ImageDocument.Package] = []
            for name in rootfs.names(path).map({ String(decoding: $0, as: UTF8.self) }) {
                guard let record = try text("\(path)/\(name)") else { continue }
                if let package = SlackwareDatabase.package(record) { packages.append(package) }
            }
            return InstalledPackages(type: "slackware", packages: sorted(packages))
        }
        return InstalledPackages(type: nil, packages: [])
    }

    private static func sorted(_ packages: [ImageDocument.Package]) -> [ImageDocument.Package] {
        packages.sorted { ($0.name, $0.architecture, $0.version) < ($1.name, $1.architecture, $1.version) }
    }
}

/// apk's list of what is installed: paragraphs of lines `letter:value`.
enum ApkDatabase {
    static func packages(_ text: String) -> [ImageDocument.Package] {
        var result: [ImageDocument.Package] = []
        for paragraph in text.split(separator: "\n\n") {
            var fields: [Substring: String] = [:]
            for line in paragraph.split(separator: "\n") {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let key = line[..<colon]
                if fields[key] == nil { fields[key] = String(line[line.index(after: colon)...]) }
            }
            guard let name = fields["P"], let version = fields["V"] else { continue }
            result.append(
                .init(name: name, version: version, architecture: fields["A"] ?? "noarch", source: fields["o"])
            )
        }
        return result.sorted { ($0.name, $0.architecture) < ($1.name, $1.architecture) }
    }
}

/// pacman's description of one package: `%KEY%`, values, an empty line.
enum PacmanDatabase {
    static func package(_ text: String) -> ImageDocument.Package? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        func value(_ key: String) -> String? {
            guard let index = lines.firstIndex(of: "%\(key)%"), index + 1 < lines.count, !lines[index + 1].isEmpty
            else {
                return nil
            }
            return String(lines[index + 1])
        }
        guard let name = value("NAME"), let version = value("VERSION") else { return nil }
        return .init(name: name, version: version, architecture: value("ARCH") ?? "any", source: value("BASE"))
    }
}

/// What rpm says of its database, one package in each line.
enum RpmList {
    static let format = "%{NAME}\\t%|EPOCH?{%{EPOCH}:}:{}|%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{SOURCERPM}\\n"

    static func packages(_ text: String) -> [ImageDocument.Package] {
        text.split(separator: "\n").compactMap { line in
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            // Keys that were imported stand among the packages.
            guard fields.count == 4, fields[0] != "gpg-pubkey" else { return nil }
            return .init(name: fields[0], version: fields[1], architecture: fields[2], source: source(fields[3]))
        }
    }

    /// `name-version-release.src.rpm`, of which the name counts.
    private static func source(_ file: String) -> String? {
        let words = file.split(separator: "-")
        guard words.count > 2, file.hasSuffix(".rpm") else { return nil }
        return words.dropLast(2).joined(separator: "-")
    }
}

/// Slackware's record of one package, whose first line has its name.
enum SlackwareDatabase {
    static func package(_ text: String) -> ImageDocument.Package? {
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("PACKAGE NAME:") }) else { return nil }
        let words = line.split(separator: " ")
        guard let last = words.last, let package = SlackwarePackage(full: String(last)) else { return nil }
        return .init(
            name: package.name,
            version: package.version,
            architecture: package.architecture,
            source: nil
        )
    }
}
