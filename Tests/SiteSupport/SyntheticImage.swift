// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
package import Model
package import SystemPackage
import TestSupport

/// The local clock.
package var clock: Timestamp { Timestamp(seconds: Int64(time(nil))) }

/// An image made without any distribution: a small tree that has one of everything a rootfs may have, and the metadata
/// that LXC needs. `write` leaves the directory that a build leaves.
package struct SyntheticImage {
    package var name = "example/one/amd64"
    /// How old the build is, in seconds.
    package var age: Int64 = 7200
    package var lifetime = 30 * 86400
    /// The size of a file that does not compress, in KiB.
    package var bulk = 3000
    /// Makes that file the same in every build of the same number; it is another each time without.
    package var seed: Int?
    /// Whether LXD and Incus can use it as well.
    package var hasStreams = false
    /// The members of the metadata archive.
    package var metadata: [(name: String, text: String)] = [
        ("create-message", "You have a synthetic image.\n"),
        ("expiry", "4102444800\n"),
        ("excludes-user", "\n"),
        ("config", "# Example\nlxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.arch = x86_64\n"),
        (
            "config-user",
            "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.include = LXC_TEMPLATE_CONFIG/userns.conf\n"
                + "lxc.arch = x86_64\n"
        ),
        ("templates", "/etc/hostname\n/etc/hosts\n"),
    ]
    /// Where the symbolic link `/out` points; none if empty.
    package var outwardLink = ""
    /// A tar to take instead of a packed tree, and what its image document says about it.
    package var tar: (bytes: [UInt8], entries: Int, content: Int, size: Int?)?

    /// A moment that everything in the tree is older or as old as.
    package static let epoch = Timestamp(seconds: 1_700_000_000)

    /// The usual one.
    package init() {}

    /// One reading of the clock for everything that is made of this image: the next may be in another minute.
    private let now = clock

    package var serial: Serial { Serial(now.adding(seconds: -age)) }

    /// Makes the image directory, and beside it as `<directory>.tree` what was packed.
    @discardableResult
    package func write(to directory: FilePath) async throws -> FilePath {
        try makeDirectory(directory)
        var files: [String: ImageDocument.File] = [:]
        let packed: ImageDocument.Tar
        if let tar {
            packed = try await writeTar(tar.bytes, tar.entries, tar.content, tar.size, directory, &files)
        } else {
            let tree = FilePath(directory.string + ".tree")
            try await makeTree(tree)
            let result = try RootfsPacker(epoch: Self.epoch, threads: 1).pack(
                tree,
                outputs: [
                    .init(.xz(level: 0), name: "rootfs.tar.xz", path: directory.appending("rootfs.tar.xz")),
                    .init(.zstd(level: 1), name: "rootfs.tar.zst", path: directory.appending("rootfs.tar.zst")),
                ]
            )
            (packed, files) = (result.tar, result.files)
            if hasStreams { try await addStreams(tree, directory, &files) }
        }
        var archive = SmallArchive(epoch: Self.epoch)
        for member in metadata { archive.add(member.name, Array(member.text.utf8)) }
        files["meta.tar.xz"] = try archive.write(to: directory.appending("meta.tar.xz"))
        let document = ImageDocument(
            name: try ImageName(path: name),
            serial: serial,
            summary: "Synthetic",
            created: Self.epoch,
            lifetime: lifetime,
            files: files,
            tar: packed,
            packages: [],
            inputs: [:]
        )
        try SiteSupport.write(try document.canonicalBytes(), to: directory.appending(ImageDocument.fileName))
        return directory
    }

    private func addStreams(
        _ tree: FilePath,
        _ directory: FilePath,
        _ files: inout [String: ImageDocument.File]
    ) async throws {
        let path = directory.appending("rootfs.squashfs")
        let script =
            "mksquashfs \"$1\" \"$2\" -comp gzip -no-progress -quiet -all-time 1600000000 -mkfs-time 1600000000"
        try await Programs.shell(script, tree.string, path.string)
        files["rootfs.squashfs"] = try HashedFile.read(path)
        var archive = SmallArchive(epoch: Self.epoch)
        let created = serial.time.seconds
        archive.add(
            "metadata.yaml",
            Array("architecture: x86_64\ncreation_date: \(created)\nproperties: {serial: \"\(serial)\"}\n".utf8)
        )
        files["incus.tar.xz"] = try archive.write(to: directory.appending("incus.tar.xz"))
    }

    private func writeTar(
        _ bytes: [UInt8],
        _ entries: Int,
        _ content: Int,
        _ size: Int?,
        _ directory: FilePath,
        _ files: inout [String: ImageDocument.File]
    ) async throws -> ImageDocument.Tar {
        let path = directory.appending("rootfs.tar")
        try SiteSupport.write(bytes, to: path)
        let script = "zstd -q -1 -o $1.zst $1; xz -k -0 $1; rm $1"
        try await Programs.shell(script, path.string)
        for ending in ["zst", "xz"] {
            files["rootfs.tar.\(ending)"] = try HashedFile.read(directory.appending("rootfs.tar.\(ending)"))
        }
        return ImageDocument.Tar(
            size: size ?? bytes.count,
            sha256: SHA256Digest(hashing: bytes),
            entries: entries,
            unpackedBytes: content
        )
    }

    private func makeTree(_ tree: FilePath) async throws {
        let long = String(repeating: "long-", count: 30)
        let script = """
            umask 022; mkdir "$1"; cd "$1"
            mkdir -p bin dev etc home/user root tmp usr/share/doc var/lib/empty
            echo LXC_NAME > etc/hostname; echo "127.0.1.1 LXC_NAME" > etc/hosts; ln -s ../run/nothing etc/dangling
            echo secret > etc/shadow; chmod 640 etc/shadow; chgrp 42 etc/shadow
            echo tool > bin/tool; chmod 755 bin/tool; setcap cap_net_raw+ep bin/tool; ln bin/tool bin/same; ln -s tool bin/link
            echo su > bin/su; chmod 4755 bin/su; : > var/lib/empty/file; chmod 700 root; chmod 1777 tmp
            echo mine > home/user/file; setfattr -n user.note -v kept home/user/file; chown -R 1000:1000 home/user
            test -z "$4" || ln -s "$4" out
            mkfifo var/fifo; mknod dev/null c 1 3
            echo grüße > "usr/share/doc/größe"; echo deep > "usr/share/doc/$3"
            if test -z "$5"; then head -c "$2"K /dev/urandom > usr/share/bulk; else
                head -c "$2"K /dev/zero | openssl enc -aes-128-ctr -nosalt -K "$5" -iv 0 2> /dev/null > usr/share/bulk
                echo "$6" > etc/build
            fi
            find . -depth -print0 | xargs -0 touch -h -d @1600000000
            """
        let key = seed.map { "\($0)" } ?? ""
        try await Programs.shell(script, tree.string, String(bulk), long, outwardLink, key, serial.description)
    }
}
