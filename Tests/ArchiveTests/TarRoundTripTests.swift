// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage
import TestSupport
import Testing

@Suite("A packed rootfs", .scratchDirectory)
struct TarRoundTripTests {
    @Test("is read alike by GNU tar and by us")
    func sameMembers() async throws {
        let tree = ScratchDirectory.path.appending("tree")
        try await makeSampleTree(tree)
        let tar = ScratchDirectory.path.appending("rootfs.tar")
        let packed = try RootfsPacker(epoch: Timestamp(seconds: 1_700_000_000), threads: 2).pack(
            tree,
            outputs: [.init(.tar, name: "rootfs.tar", path: tar)]
        )
        let listed = try await runProgram("tar", ["--list", "--file", tar.string, "--quoting-style=literal"])
        #expect(listed.status == 0, "\(listed.errors)")
        #expect(listed.output.split(separator: "\n").count == packed.tar.entries)
        #expect(packed.files["rootfs.tar"]?.sha256 == packed.tar.sha256)
    }
}

/// A tree with one of everything that a rootfs has.
func makeSampleTree(_ tree: FilePath) async throws {
    let script = """
        set -eu
        mkdir -p "$1/usr/bin" "$1/etc" "$1/var/mail" "$1/deep/\(String(repeating: "d", count: 120))"
        printf 'hello\\n' >"$1/etc/hello"
        ln "$1/etc/hello" "$1/etc/hello.hard"
        ln -s ../etc/hello "$1/usr/bin/hello"
        ln -s '/\(String(repeating: "t", count: 150))' "$1/long-target"
        printf x >"$1/deep/\(String(repeating: "d", count: 120))/file"
        head -c 3000000 /dev/urandom >"$1/usr/bin/big"
        cp /bin/true "$1/usr/bin/ping"
        setcap cap_net_raw+ep "$1/usr/bin/ping"
        setfattr -n user.note -v text "$1/etc/hello"
        chmod 4755 "$1/usr/bin/big"
        chmod 2775 "$1/var/mail"
        chown 8:12 "$1/var/mail"
        mkfifo "$1/var/fifo"
        mknod "$1/var/null" c 1 3
        printf 'bytes' >"$1/etc/$(printf 'caf\\303\\251')"
        printf 'bytes' >"$1/etc/$(printf 'bad\\377name')"
        touch -d @4000000000 "$1/etc/hello"
        """
    let result = try await runProgram("sh", ["-c", script, "sh", tree.string])
    #expect(result.status == 0, "\(result.errors)")
}
