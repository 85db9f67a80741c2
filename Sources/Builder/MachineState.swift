// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model

/// Takes away what belongs to the machine that built an image, and what would differ between two builds.
package enum MachineState {
    /// What is done with a path.
    enum Rule: Sendable {
        /// Removed, a directory with all in it.
        case remove
        /// A file becomes empty; one that is not there stays away.
        case truncate
        /// A file that must be there becomes empty.
        case makeEmpty
        /// A directory keeps nothing.
        case empty
    }

    /// Every rule with its reason.
    static let rules: [(rule: Rule, path: String, reason: String)] = [
        (.makeEmpty, "/etc/machine-id", "every container makes its own at its first start (machine-id(5))"),
        (.remove, "/var/lib/dbus/machine-id", "a copy of the former, made again from it"),
        (.remove, "/var/lib/systemd/random-seed", "a seed known to everybody is none"),
        (.remove, "/var/lib/systemd/credential.secret", "a secret of one machine"),
        (.remove, "/var/lib/urandom/random-seed", "a seed known to everybody is none"),
        (.remove, "/var/cache/ldconfig/aux-cache", "inode numbers and times of the builder's file system"),
        (.remove, "/var/cache/debconf/config.dat-old", "state before the last change"),
        (.remove, "/var/cache/debconf/templates.dat-old", "state before the last change"),
        (.remove, "/var/lib/dpkg/status-old", "state before the last change"),
        (.remove, "/var/lib/dpkg/diversions-old", "state before the last change"),
        (.remove, "/var/lib/dpkg/statoverride-old", "state before the last change"),
        (.remove, "/var/lib/dpkg/available-old", "state before the last change"),
        (.remove, "/var/lib/dpkg/available", "depends on the order of installation; dpkg does not need it"),
        (.remove, "/etc/passwd-", "state before the last change"),
        (.remove, "/etc/shadow-", "state before the last change"),
        (.remove, "/etc/group-", "state before the last change"),
        (.remove, "/etc/gshadow-", "state before the last change"),
        (.remove, "/etc/subuid-", "state before the last change"),
        (.remove, "/etc/subgid-", "state before the last change"),
        (.remove, "/etc/.pwd.lock", "a lock"),
        (.truncate, "/var/log/dpkg.log", "times of the build"),
        (.truncate, "/var/log/alternatives.log", "times of the build"),
        (.truncate, "/var/log/bootstrap.log", "times of the build"),
        (.empty, "/var/log/apt", "times of the build"),
        (.truncate, "/var/log/lastlog", "of the builder"),
        (.truncate, "/var/log/faillog", "of the builder"),
        (.truncate, "/var/log/wtmp", "of the builder"),
        (.truncate, "/var/log/btmp", "of the builder"),
        (.empty, "/var/log/journal", "of the builder"),
        (.empty, "/var/lib/apt/lists", "out of date when the image is used; their hashes are in image.json"),
        (.remove, "/var/lib/apt/extended_states.bak", "state before the last change"),
        (.remove, "/var/cache/apt/pkgcache.bin", "times of the builder's files"),
        (.remove, "/var/cache/apt/srcpkgcache.bin", "times of the builder's files"),
        (.empty, "/var/cache/apt/archives", "packages that are installed already"),
        (.empty, "/var/cache/man", "an index with times; made again by itself"),
        (.empty, "/dev", "the container's own business"),
        (.empty, "/run", "lives until the next start only"),
        (.empty, "/tmp", "lives until the next start only"),
        (.empty, "/var/tmp", "of the builder"),
        (.empty, "/var/cache/apk", "packages that are installed already"),
        (.empty, "/var/cache/dnf", "packages that are installed already"),
        (.empty, "/var/cache/libdnf5", "packages that are installed already"),
        (.empty, "/var/cache/yum", "packages that are installed already"),
        (.empty, "/var/cache/zypp", "packages that are installed already"),
        (.empty, "/var/cache/pacman/pkg", "packages that are installed already"),
        (.empty, "/var/cache/xbps", "packages that are installed already"),
        (.empty, "/var/lib/dnf", "times of the build"),
        (.truncate, "/var/log/dnf.log", "times of the build"),
        (.truncate, "/var/log/dnf.rpm.log", "times of the build"),
        (.truncate, "/var/log/dnf.librepo.log", "times of the build"),
        (.truncate, "/var/log/hawkey.log", "times of the build"),
        (.truncate, "/var/log/yum.log", "times of the build"),
        (.truncate, "/var/log/zypper.log", "times of the build"),
        (.empty, "/var/log/zypp", "times of the build"),
        (.truncate, "/var/log/pacman.log", "times of the build"),
        (
            .empty, "/etc/pacman.d/gnupg/private-keys-v1.d",
            "a key that everybody would have; pacman-key makes an own one"
        ),
        (.empty, "/etc/pacman.d/gnupg/openpgp-revocs.d", "belongs to the former"),
        (.remove, "/root/.wget-hsts", "of the builder"),
        (.remove, "/root/.bash_history", "of the builder"),
        (.remove, "/usr/sbin/policy-rc.d", "only forbids the start of services while an image is built"),
    ]

    /// Applies every rule.
    ///
    /// - Throws: `BUILD`.
    package static func normalise(_ rootfs: RootfsDirectory, epoch: Timestamp) throws(RootcellarError) {
        for (rule, path, _) in rules {
            switch rule {
            case .remove: try rootfs.remove(path)
            case .truncate: if rootfs.status(path)?.kind == .file { try rootfs.write(path, []) }
            case .makeEmpty: if rootfs.exists("/etc") { try rootfs.write(path, []) }
            case .empty: try rootfs.empty(path)
            }
        }
        // Keys of a host are made by the container, or everybody has the same (sshd's own service does so).
        for name in rootfs.names("/etc/ssh").map({ String(decoding: $0, as: UTF8.self) })
        where name.hasPrefix("ssh_host_") && (name.hasSuffix("_key") || name.hasSuffix("_key.pub")) {
            try rootfs.remove("/etc/ssh/\(name)")
        }
        try clampPasswordDates(rootfs, epoch)
        try removeBytecode(rootfs, "/usr/lib/python3/dist-packages")
        for name in rootfs.names("/usr/lib").map({ String(decoding: $0, as: UTF8.self) })
        where name.hasPrefix("python3.") {
            try removeBytecode(rootfs, "/usr/lib/\(name)")
        }
    }

    /// The day of the last password change in `/etc/shadow` (shadow(5)), where it is later than the build's epoch.
    private static func clampPasswordDates(_ rootfs: RootfsDirectory, _ epoch: Timestamp) throws(RootcellarError) {
        let path = "/etc/shadow"
        guard let bytes = try rootfs.read(path) else { return }
        let clamped = clampedShadow(String(decoding: bytes, as: UTF8.self), day: epoch.seconds / 86400)
        try rootfs.write(path, Array(clamped.utf8))
    }

    /// The text of a shadow file with no day later than `day`.
    static func clampedShadow(_ text: String, day: Int64) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 9, let changed = Int64(fields[2]), changed > day else { return String(line) }
            fields[2] = "\(day)"
            return fields.joined(separator: ":")
        }.joined(separator: "\n")
    }

    /// Compiled Python holds the time of its source; Python makes it again where it may.
    private static func removeBytecode(_ rootfs: RootfsDirectory, _ directory: String) throws(RootcellarError) {
        for name in rootfs.names(directory).map({ String(decoding: $0, as: UTF8.self) }) {
            let path = "\(directory)/\(name)"
            if name == "__pycache__" {
                try rootfs.remove(path)
            } else if rootfs.isDirectory(path) {
                try removeBytecode(rootfs, path)
            }
        }
    }
}
