// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage
import TestSupport
import Testing

@Suite("Unpacking", .scratchDirectory)
struct RootfsWriterTests {
    private func unpack(_ bytes: [UInt8], expecting: Unpacking.Expectation? = nil) throws -> Unpacking.Report {
        let directory = ScratchDirectory.path
        let file = try FileDescriptor.scratchFile("in.tar", holding: bytes)
        defer { try? file.close() }
        let root = try makeDirectory(directory.appending("root"))
        defer { try? root.close() }
        return try Unpacking.run(tar: file, root: root, expecting: expecting)
    }

    private func makeDirectory(_ path: FilePath) throws -> FileDescriptor {
        let parent = try FileDescriptor.open(path.removingLastComponent(), .readOnly, options: .directory)
        defer { try? parent.close() }
        try parent.makeDirectory((path.lastComponent?.string ?? "").utf8, mode: 0o755)
        return try FileDescriptor.open(path, .readOnly, options: .directory)
    }

    private func archive(_ build: (inout RawTar) -> Void) -> [UInt8] {
        var tar = RawTar()
        tar.addRoot()
        build(&tar)
        tar.end()
        return tar.bytes
    }

    private func expectRefusal(_ why: String, _ build: (inout RawTar) -> Void) {
        do {
            _ = try unpack(archive(build))
            Issue.record("accepted: \(why)")
        } catch {
            #expect((error as? RootcellarError)?.errorClass == .archive, "\(error)")
        }
    }

    @Test("refuses to write through a symbolic link, wherever it points")
    func throughLink() {
        expectRefusal("absolute") {
            $0.add("l", type: "2", link: "/tmp"); $0.add("l/x")
        }
    }

    @Test("refuses to write through a link that stays inside")
    func throughInsideLink() {
        expectRefusal("inside") {
            $0.add("d", type: "5"); $0.add("l", type: "2", link: "d"); $0.add("l/x")
        }
    }

    @Test("refuses a name twice unless both are directories")
    func twice() throws {
        expectRefusal("files") {
            $0.add("x"); $0.add("x")
        }
    }

    @Test("refuses a directory that was a link, and a link that was a directory")
    func typeChange() {
        expectRefusal("link over directory") {
            $0.add("d", type: "5"); $0.add("d", type: "2", link: "x")
        }
    }

    @Test("refuses hard links to links, to directories, to what is not there yet", arguments: ["l", "d", "later"])
    func hardLinks(_ target: String) {
        expectRefusal(target) {
            $0.add("l", type: "2", link: "/etc/passwd")
            $0.add("d", type: "5")
            $0.add("h", type: "1", link: target)
            $0.add("later")
        }
    }

    @Test("makes directories that no member names, like tar(1); a member that comes later says what they are")
    func implied() throws {
        let report = try unpack(
            archive {
                $0.add("a/b/c", content: [1])
                $0.add("a/b/d", content: [1])
                $0.add("a", type: "5", mode: "0000700", uid: "0000017", gid: "0000017")
                $0.add("e/l", type: "2", link: "x")
            },
            expecting: Unpacking.Expectation(entries: 5, contentBytes: 2)
        )
        #expect(report.omissions.isEmpty)
        let root = try FileDescriptor.open(ScratchDirectory.path.appending("root"), .readOnly, options: .directory)
        defer { try? root.close() }
        #expect(try root.names().count == 2)
        let modes = try ["a", "a/b", "e"].map { path in
            let directory = try FileDescriptor.open(
                ScratchDirectory.path.appending("root/\(path)"),
                .readOnly,
                options: .directory
            )
            defer { try? directory.close() }
            let status = try directory.status()
            return "\(String(status.mode, radix: 8)) \(status.uid)"
        }
        #expect(modes == ["700 15", "755 0", "755 0"])
    }

    @Test("refuses a file in the place of a directory that a member implied")
    func impliedDirectory() {
        expectRefusal("a file") {
            $0.add("x/y"); $0.add("x")
        }
    }

    @Test("implies no directory below a file")
    func belowFile() {
        expectRefusal("below a file") {
            $0.add("x"); $0.add("x/y/z")
        }
    }

    @Test("implies no directory below a link to nothing")
    func belowLink() {
        expectRefusal("below a link") {
            $0.add("l", type: "2", link: "nothing"); $0.add("l/y/z")
        }
    }

    @Test("leaves devices out and counts them")
    func devices() throws {
        let report = try unpack(
            archive {
                $0.add("null", type: "3"); $0.add("sda", type: "4")
            }
        )
        #expect(report.omissions[.devices] == 2)
        let there = try? FileDescriptor.open(ScratchDirectory.path.appending("root/null"), .readOnly)
        #expect(there == nil)
    }

    @Test("applies only the attributes that an image may have")
    func attributes() async throws {
        let report = try unpack(
            archive {
                $0.addExtended([
                    ("SCHILY.xattr.user.note", "text"), ("SCHILY.xattr.trusted.overlay.opaque", "y"),
                    ("SCHILY.xattr.security.selinux", "label"),
                ])
                $0.add("x")
            }
        )
        #expect(report.omissions[.trusted] == 1)
        #expect(report.omissions[.labels] == 1)
        let listed = try await runProgram(
            "getfattr",
            ["--absolute-names", "-m", "-", "-d", ScratchDirectory.path.appending("root/x").string]
        )
        #expect(listed.output.contains("user.note=\"text\""))
        #expect(!listed.output.contains("trusted.") && !listed.output.contains("selinux"))
    }

    @Test("gives the root directory mode 0755 and the container's root as owner, whatever the archive says")
    func rootDirectory() throws {
        var tar = RawTar()
        tar.add("./", type: "5", mode: "0002777", uid: "0001750", gid: "0001750")
        tar.end()
        _ = try unpack(tar.bytes)
        let root = try FileDescriptor.open(ScratchDirectory.path.appending("root"), .readOnly, options: .directory)
        defer { try? root.close() }
        let status = try root.status()
        #expect(status.mode == 0o755)
        #expect(status.uid == 0 && status.gid == 0)
    }

    @Test("refuses more or fewer members or bytes than are signed", arguments: [(2, 1), (4, 1), (3, 0), (3, 2)])
    func counts(_ entries: Int, _ bytes: Int) {
        let tar = archive {
            $0.add("a", content: [1]); $0.add("b")
        }
        #expect(throws: RootcellarError.self) {
            try unpack(tar, expecting: Unpacking.Expectation(entries: entries, contentBytes: bytes))
        }
    }

    @Test("keeps names that are not UTF-8 or hold line feeds")
    func oddNames() throws {
        var tar = RawTar()
        tar.addRoot()
        tar.add("line\nfeed")
        tar.add("caf\u{e9}")
        tar.end()
        _ = try unpack(tar.bytes)
        let root = try FileDescriptor.open(ScratchDirectory.path.appending("root"), .readOnly, options: .directory)
        defer { try? root.close() }
        #expect(try root.names().count == 2)
    }
}
