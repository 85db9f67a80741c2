// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Everything here is properly signed: a publisher's key does not make an image harmless.
@Suite("A hostile image with a good signature", .scratchDirectory)
struct HostileImageTests {
    /// Where the attacks would like to write.
    private var outside: FilePath { ScratchDirectory.path.appending("outside") }
    private var canary: String { outside.appending("canary").string }

    @Test("60: dot-dot and absolute names, in ustar, pax and GNU form -> ARCHIVE")
    func names() async throws {
        try await refuse([
            HostileImage("dot-dot") { $0.add("./../evil", text: "evil") },
            HostileImage("dot-dot-inside") { $0.add("./a/../../evil", text: "evil") },
            HostileImage("absolute") { $0.add(outside.string + "/evil", text: "evil") },
            HostileImage("absolute-in-pax") {
                $0.addExtended("path", outside.string + "/evil")
                $0.add("./good", text: "evil")
            },
            HostileImage("dot-dot-in-pax") {
                $0.addExtended("path", "./../../evil")
                $0.add("./good", text: "evil")
            },
            HostileImage("dot-dot-in-gnu-long") {
                $0.add("././@LongLink", type: "L", text: "./../../evil\u{0}")
                $0.add("./good", text: "evil")
            },
        ])
    }

    @Test(
        "61: a write through a symbolic link, a chain of them, or one of /proc -> ARCHIVE, nothing outside has changed"
    )
    func throughLinks() async throws {
        try await refuse([
            HostileImage("through-link") {
                $0.add("./link", type: "2", link: outside.string)
                $0.add("./link/evil", text: "evil")
            },
            HostileImage("over-link") {
                $0.add("./link", type: "2", link: canary)
                $0.add("./link", text: "evil")
            },
            HostileImage("chain") {
                $0.add("./one", type: "2", link: outside.string)
                $0.add("./two", type: "2", link: "one")
                $0.add("./two/evil", text: "evil")
            },
            HostileImage("magic-link") {
                $0.add("./root", type: "2", link: "/proc/self/cwd/..")
                $0.add("./root/evil", text: "evil")
            },
        ])
    }

    @Test("62: a hard link to outside, to a link, through one, with data, too early or to itself -> ARCHIVE")
    func hardLinks() async throws {
        let escape = "./../../../../../../../../.." + canary
        try await refuse([
            HostileImage("outside") { $0.add("./hard", type: "1", link: escape) },
            HostileImage("absolute") { $0.add("./hard", type: "1", link: canary) },
            HostileImage("to-link") {
                $0.add("./link", type: "2", link: canary)
                $0.add("./hard", type: "1", link: "./link")
            },
            HostileImage("through-link") {
                $0.add("./link", type: "2", link: outside.string)
                $0.add("./hard", type: "1", link: "./link/canary")
            },
            HostileImage("to-directory") {
                $0.add("./dir/", type: "5", mode: 0o755)
                $0.add("./hard", type: "1", link: "./dir")
            },
            HostileImage("to-device") {
                $0.add("./device", type: "3")
                $0.add("./hard", type: "1", link: "./device")
            },
            HostileImage("with-data") {
                $0.add("./file", text: "good")
                $0.add("./hard", type: "1", text: "evil", link: "./file")
            },
            HostileImage("too-early") {
                $0.add("./hard", type: "1", link: "./later")
                $0.add("./later", text: "late")
            },
            HostileImage("to-itself") { $0.add("./hard", type: "1", link: "./hard") },
        ])
    }

    @Test("63: a directory that becomes a link before its mode is set -> ARCHIVE, as root and in a user namespace")
    func lateModes() async throws {
        let images = [
            HostileImage("directory") {
                $0.add("./dir/", type: "5", mode: 0o777)
                $0.add("./dir", type: "2", link: outside.string)
            },
            HostileImage("directory-below") {
                $0.add("./a/", type: "5", mode: 0o755)
                $0.add("./a/outside/", type: "5", mode: 0o777)
                $0.add("./a", type: "2", link: ScratchDirectory.path.string)
            },
        ]
        try await refuse(images)
        try await refuse(images, script: "exec unshare --user --map-root-user \"$@\"")
    }

    @Test("64: device nodes are left out, and counted")
    func devices() async throws {
        let image = HostileImage("devices") {
            $0.add("./dev/", type: "5", mode: 0o755)
            $0.add("./dev/mem", type: "3", mode: 0o666)
            $0.add("./dev/disk", type: "4", mode: 0o666)
        }
        try await accept(image) { creation in
            #expect(creation.result.errors.contains("2 device nodes"))
            let names = try await Set(creation.snapshot().entries.keys)
            #expect(names == [".", "./dev", "./dev/pts"])
        }
    }

    @Test("65: owners that are no ids, or outside the container's map -> ARCHIVE, no set-id file is ever made")
    func owners() async throws {
        let images = ["4294967295", "-1", "1099511627776", "18446744073709551616", "1.5", ""].flatMap { value in
            ["uid", "gid"].map { key in
                HostileImage("\(key)-\(value.isEmpty ? "empty" : value.replacing("-", with: "minus"))") {
                    $0.addExtended(key, value)
                    $0.add("./file", mode: 0o4755)
                }
            }
        }
        try await refuse(images)
        let foreign = HostileImage("outside-the-map") { $0.add("./file", mode: 0o4755, uid: 1000) }
        try await refuse([foreign], script: "exec unshare --user --map-root-user \"$@\"")
    }

    @Test("66: trusted attributes, labels and the immutable flag are not set, and the tree can be removed")
    func attributes() async throws {
        let image = HostileImage("attributes") {
            $0.addExtended("SCHILY.xattr.trusted.overlay.opaque", "y")
            $0.add("./trusted", text: "x")
            $0.addExtended("SCHILY.xattr.security.selinux", "label")
            $0.add("./label", text: "x")
        }
        try await accept(image) { creation in
            for kind in ["1 security label", "1 trusted attribute"] {
                #expect(creation.result.errors.contains(kind), "\(creation.result.errors)")
            }
            let found = try await Programs.shell(
                "cd \"$1\"; getfattr -R -h -d -m - . 2>/dev/null; cd /; rm -r \"$1\"",
                creation.rootfs.string
            )
            #expect(found == "")
        }
        var flagged = RawTar()
        flagged.addExtended("SCHILY.fflags", "immutable")
        flagged.add("./flag", text: "x")
        let result = try await outcome(of: HostileImage("flag", flagged))
        #expect([0, 17].contains(result.result.status))
        try await Programs.shell("rm -r \"$1\"", result.rootfs.string)
    }

    @Test("67: file capabilities are kept, in a user namespace as its own")
    func capabilities() async throws {
        for script in [nil, "exec unshare --user --map-root-user \"$@\""] {
            var image = HostileImage("capability") {
                $0.addExtended(
                    "SCHILY.xattr.security.capability",
                    "\u{1}\u{0}\u{0}\u{2}\u{0} \u{0}\u{0}" + String(repeating: "\u{0}", count: 12)
                )
                $0.add("./tool", text: "x", mode: 0o755)
            }
            image.script = script
            try await accept(image) { creation in
                let found = try await Programs.shell("getcap \"$1/tool\"", creation.rootfs.string)
                #expect(found.contains("cap_net_raw=ep"), "\(found)")
            }
        }
    }

    @Test("68: owner and mode of the top directory are ours whatever the archive says")
    func top() async throws {
        let image = HostileImage("top") {
            $0.add("./", type: "5", mode: 0o2777, uid: 1000)
            $0.add("./file", text: "x")
        }
        try await accept(image) { creation in
            let found = try await Programs.shell("stat -c '%a %u:%g' \"$1\"", creation.rootfs.string)
            #expect(found == "755 0:0\n")
        }
    }

    @Test("69: a top directory that is a link or a file -> ARCHIVE")
    func topIsNoDirectory() async throws {
        try await refuse([
            HostileImage("link") { $0.add(".", type: "2", link: outside.string) },
            HostileImage("file") { $0.add(".", text: "evil") },
            HostileImage("link-slash") { $0.add("./", type: "2", link: outside.string) },
        ])
    }

    @Test("70: a name twice, a link over a directory, a directory over a link -> ARCHIVE")
    func twice() async throws {
        try await refuse([
            HostileImage("twice") {
                $0.add("./file", text: "one")
                $0.add("./file", text: "two")
            },
            HostileImage("link-over-directory") {
                $0.add("./dir/", type: "5", mode: 0o755)
                $0.add("./dir", type: "2", link: outside.string)
            },
            HostileImage("directory-over-link") {
                $0.add("./link", type: "2", link: outside.string)
                $0.add("./link/", type: "5", mode: 0o777)
                $0.add("./link/evil", text: "evil")
            },
            HostileImage("file-over-directory") {
                $0.add("./dir/", type: "5", mode: 0o755)
                $0.add("./dir", text: "evil")
            },
        ])
    }

    @Test("71: sparse files of 1 TiB and 8 EiB, in GNU and pax form -> ARCHIVE")
    func sparse() async throws {
        try await refuse([
            HostileImage("gnu") { $0.add("./sparse", type: "S", text: "x") },
            HostileImage("pax-1-tib") {
                $0.addExtended("GNU.sparse.major", "1")
                $0.addExtended("GNU.sparse.realsize", "1099511627776")
                $0.add("./sparse", text: "1\n0\n1\n")
            },
            HostileImage("pax-8-eib") {
                $0.addExtended("GNU.sparse.size", "9223372036854775807")
                $0.addExtended("GNU.sparse.map", "0,1,9223372036854775806,1")
                $0.add("./sparse", text: "xx")
            },
            HostileImage("size-8-eib") {
                $0.addExtended("size", "9223372036854775807")
                $0.add("./file", text: "x")
            },
        ])
    }

    @Test("79: names in UTF-8 are the same bytes with LC_ALL=C")
    func locale() async throws {
        var image = HostileImage("locale") {
            $0.add("./größe-ñ", text: "x")
            $0.addExtended("path", "./\u{65E5}\u{672C}")
            $0.add("./x", text: "y")
        }
        image.script = "export LC_ALL=C; exec \"$@\""
        try await accept(image) { creation in
            let names = try await Programs.shell("cd \"$1\"; LC_ALL=C ls", creation.rootfs.string)
            #expect(names == "dev\ngröße-ñ\n\u{65E5}\u{672C}\n")
        }
    }

    @Test("80: line feeds and escapes in names are kept in the rootfs, and escaped where they are shown")
    func oddNames() async throws {
        try await accept(HostileImage("odd") { $0.add("./a\nb\u{1B}[31mc", text: "x") }) { creation in
            #expect(exists(creation.rootfs.appending("a\nb\u{1B}[31mc")))
        }
        try await refuse([HostileImage("escape") { $0.add("./a\u{1B}]0;x\u{7}\n/../b") }])
    }

    @Test("81: somebody who swaps a directory for a link while it is filled -> nothing outside has changed")
    func swapping() async throws {
        var image = HostileImage("swap") { tar in
            tar.add("./usr/", type: "5", mode: 0o755)
            for number in 0..<3000 { tar.add("./usr/file-\(number)", text: "evil") }
        }
        // The one who swaps is root, for whom the closed rootfs is open.
        image.script = """
            for word; do case $word in --rootfs=*) cd "${word#--rootfs=}";; esac; done
            python3 -c '
            import os, sys
            while os.getppid() == int(sys.argv[1]):
                try:
                    os.rename("usr", "kept"); os.symlink(sys.argv[2], "usr"); os.unlink("usr"); os.rename("kept", "usr")
                except OSError: pass
            ' $$ "\(outside)" & "$@" || exit $?
            """
        for _ in 1...3 {
            let before = try await prepareOutside()
            let creation = try await outcome(of: image)
            #expect([0, 17].contains(creation.result.status), "\(creation.result.errors)")
            #expect(try await Snapshot(outside).differences(from: before) == [])
        }
    }

    @Test("82: a dictionary of 4 GiB -> ARCHIVE, by the decoder's own limit")
    func dictionary() async throws {
        var image = HostileImage("dictionary") { $0.add("./file", text: "content") }
        image.raw = HostileImage.Raw(kind: .xz, part: 1, dictionary: 40)
        try await refuse([image])
    }

    @Test("83: an unpacker or a decoder that crashes -> ARCHIVE, unchanged")
    func crash() async throws {
        let image = HostileImage("crash") {
            for number in 0..<20 { $0.add("./dir-\(number)/", type: "5", mode: 0o755) }
        }
        for call in ["mkdirat", "capset"] {
            let script = "exec strace -f -qqq -o /dev/null -e trace=\(call) -e inject=\(call):signal=SEGV:when=1 \"$@\""
            try await refuse([image], script: script, classes: ["ARCHIVE", "META"])
        }
    }
}
