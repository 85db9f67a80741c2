// SPDX-License-Identifier: Apache-2.0

package import SystemPackage
import TestSupport

/// A system of one program, static busybox, as the start of builds that need no network: a directory, its tar, and a
/// definition around it.
package struct SmallSystem {
    package let directory: FilePath
    /// The tar, compressed by gzip.
    package let tar: FilePath
    /// Every program that was called inside the image by a recording stand-in, one line for each, in order.
    package static let record = "/calls"

    /// The part `packages` of a definition whose manager does nothing.
    package static let noPackages = """
        packages:
          custom_manager:
            refresh: {cmd: "true", flags: [x]}
            update: {cmd: "true", flags: [x]}
            install: {cmd: "true", flags: [x]}
            remove: {cmd: "true", flags: [x]}
            clean: {cmd: "true", flags: [x]}
        """
    /// The least that LXC needs of `targets`.
    package static let forLXC = """
        targets:
          lxc:
            config:
            - type: all
              content: lxc.include = LXC_TEMPLATE_CONFIG/common.conf
        """

    /// Makes it below the test's scratch directory.
    ///
    /// - Parameters: standIns: names of programs that only write down how they were called.
    package static func make(standIns: [String] = [], more: String = "") async throws -> SmallSystem {
        let directory = ScratchDirectory.path.appending("system")
        let tar = ScratchDirectory.path.appending("system.tar.gz")
        try await Programs.shell(
            """
            root=$1 tar=$2
            rm -rf "$root"
            mkdir -p "$root/bin" "$root/sbin" "$root/usr/bin" "$root/usr/sbin" "$root/etc" "$root/tmp" "$root/root" \
                "$root/var/lib" "$root/etc/systemd"
            cp /bin/busybox "$root/bin/busybox"
            for name in sh cat echo ls rm mkdir sed grep cp mv chmod head env true test uname hostname tr wc touch ln sleep; do
                ln -s busybox "$root/bin/$name"
            done
            printf 'root:x:0:0::/root:/bin/sh\\nweb:x:33:33::/:/bin/sh\\n' >"$root/etc/passwd"
            printf 'root:x:0:\\nwww:x:33:\\n' >"$root/etc/group"
            echo small >"$root/etc/hostname"
            printf '127.0.0.1 localhost\\n127.0.1.1 distrobuilder\\n' >"$root/etc/hosts"
            cd "$root"
            for name in $3; do
                printf '#!/bin/sh\\nfor word in "${0##*/}" "$@"; do printf "%%s|" "$word"; done >>%s\\necho >>%s\\n' \
                    "$4" "$4" >"$root/usr/bin/$name"
                chmod 755 "$root/usr/bin/$name"
            done
            eval "$5"
            find . -exec touch -h -d @1700000000 {} +
            tar -C "$root" --numeric-owner --owner=0 --group=0 --sort=name -czf "$tar" .
            """,
            directory.string,
            tar.string,
            standIns.joined(separator: " "),
            record,
            more
        )
        return SmallSystem(directory: directory, tar: tar)
    }

    /// Writes a definition that starts from the tar; `body` is everything but image and source.
    package func definition(_ body: String, source: String? = nil, image: String = "") throws -> FilePath {
        try Self.writeDefinition(
            body,
            source: source ?? "downloader: rootfs-http\n  url: file://\(tar)",
            image: image
        )
    }

    /// Writes a definition of a small image from another source.
    package static func writeDefinition(_ body: String, source: String, image: String = "") throws -> FilePath {
        let path = ScratchDirectory.path.appending("definition.yaml")
        let text = """
            image:
              distribution: small
              architecture: amd64
              serial: 20260102_0304
            \(image.isEmpty ? "  release: one" : image)
            source:
              \(source)
            \(body)

            """
        try write(text.utf8, to: path)
        return path
    }

    /// What the recording stand-ins wrote into a root directory.
    package static func calls(in root: FilePath) throws -> [String] {
        guard exists(root.appending("calls")) else { return [] }
        return try text(root.appending("calls")).split(separator: "\n").map { String($0.dropLast()) }
    }
}
