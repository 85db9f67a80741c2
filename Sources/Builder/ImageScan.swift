// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// Looks for what must be in no image that is given to others: keys and identities, which everybody would share, and the
/// caches of package managers.
struct ImageScan {
    let rootfs: RootfsDirectory

    /// Directories that hold a manager's downloads.
    private static let caches = [
        "/var/cache/apt/archives", "/var/cache/apk", "/etc/apk/cache", "/var/cache/dnf", "/var/cache/libdnf5",
        "/var/cache/yum", "/var/cache/zypp/packages", "/var/cache/pacman/pkg", "/var/cache/xbps",
        "/var/cache/distfiles",
    ]
    /// Endings of packages and of indexes that a cache is made of.
    private static let cached = [".deb", ".rpm", ".apk", ".tar.xz", ".pkg.tar.zst", ".xbps", ".gz", ".solv", ".solvx"]
    /// Where the machine's own files are. What packages bring below /usr is theirs.
    private static let places = ["etc", "home", "opt", "root", "srv", "usr/local", "var"]

    /// What was found, one line for each; empty if the image is clean.
    func findings() throws(RootcellarError) -> [String] {
        var found: [String] = []
        if let id = try rootfs.read("/etc/machine-id"), !id.isEmpty,
            stripped(String(decoding: id, as: UTF8.self)) != "uninitialized"
        {
            found.append("a machine-id: /etc/machine-id")
        }
        for directory in Self.caches { scanCache(directory, &found, depth: 0) }
        for place in Self.places {
            guard rootfs.isDirectory("/\(place)") else { continue }
            try building("scan the image", place) { () throws(Errno) in
                let directory = try rootfs.open(Array(place.utf8), O_RDONLY | O_DIRECTORY)
                defer { directory.closeQuietly() }
                try scan(directory, "/\(place)", &found, depth: 0)
            }
        }
        return found
    }

    private func scanCache(_ path: String, _ found: inout [String], depth: Int) {
        guard depth < 8 else { return }
        for name in rootfs.names(path).map({ String(decoding: $0, as: UTF8.self) }) {
            let child = "\(path)/\(name)"
            if rootfs.isDirectory(child) {
                scanCache(child, &found, depth: depth + 1)
            } else if Self.cached.contains(where: name.hasSuffix) {
                found.append("a package cache: \(child)")
                return
            }
        }
    }

    private func scan(
        _ directory: FileDescriptor,
        _ path: String,
        _ found: inout [String],
        depth: Int
    ) throws(Errno) {
        guard depth < 64 else { return }
        for name in try directory.names() {
            let status = try directory.status(of: name)
            let child = "\(path)/\(String(decoding: name, as: UTF8.self))"
            switch status.kind {
            case .directory:
                let inner = try directory.open(name, O_RDONLY | O_DIRECTORY)
                defer { inner.closeQuietly() }
                try scan(inner, child, &found, depth: depth + 1)
            case .file where status.size > 0 && status.size <= 64 << 10:
                let file = try directory.open(name, O_RDONLY | O_NONBLOCK)
                defer { file.closeQuietly() }
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = try readBlock(file, &buffer)
                if Self.isPrivateKey(buffer.prefix(count)) {
                    let isHost = child.hasPrefix("/etc/ssh/ssh_host_")
                    found.append("\(isHost ? "an SSH host key" : "a private key"): \(child)")
                }
            default: break
            }
        }
    }

    /// Whether a file begins with a private key in PEM, OpenSSH's or OpenPGP's form, perhaps behind a comment.
    static func isPrivateKey(_ bytes: some Collection<UInt8>) -> Bool {
        for line in bytes.split(separator: 0x0A) where line.starts(with: "-----BEGIN ".utf8) {
            let text = String(decoding: line, as: UTF8.self)
            if text.contains("PRIVATE KEY") { return true }
        }
        return false
    }

    /// Words of a log that look like a secret: user information in URLs, and tokens with the marks of their makers.
    static func tokens(_ log: String) -> [String] {
        var found: [String] = []
        for line in log.split(separator: "\n") {
            for word in line.split(whereSeparator: { " \"'=,;<>()".contains($0) }) {
                let isToken =
                    ["ghp_", "github_pat_", "glpat-", "xoxb-", "AKIA"].contains {
                        word.hasPrefix($0) && word.utf8.count >= 20
                    }
                if isToken || hasPassword(word) { found.append(String(word.prefix(8)) + "…") }
            }
        }
        return found
    }

    private static func hasPassword(_ word: Substring) -> Bool {
        guard let scheme = word.firstRange(of: "://") else { return false }
        let authority = word[scheme.upperBound...].prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return false }
        return authority[..<at].contains(":")
    }
}
