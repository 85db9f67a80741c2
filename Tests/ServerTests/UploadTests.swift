// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("An upload", .scratchDirectory)
struct UploadTests {
    private func state(_ reply: Reply) throws -> UploadState {
        try UploadState(verified: Array(reply.bytes), subject: reply.text)
    }

    @Test("is declared, sent in parts, and complete when every hash is right; sent again it is the same one")
    func whole() async throws {
        try await UploadSite.run { site in
            let sample = UploadSample()
            let declared = try await site.put(sample)
            #expect(declared.status == 201, "\(declared.text)")
            #expect(try state(declared).stage == .receiving)
            #expect(try await site.put(sample).status == 200)
            #expect(try await site.put(sample, "rootfs.tar.xz", count: 20_000).status == 200)
            let head = try await site.get("\(sample.path)/rootfs.tar.xz", "-I")
            #expect(head.header("upload-offset") == "20000" && head.header("upload-length") == "50000")
            let behind = try await site.put(sample, "rootfs.tar.xz", at: 10_000)
            #expect(behind.status == 409 && behind.header("upload-offset") == "20000")
            #expect(try await site.put(sample, "rootfs.tar.xz", at: 20_000).status == 201)
            #expect(try await state(site.get(sample.path)).stage == .receiving)
            #expect(!site.quarantine.has(sample.id, Quarantine.marker))
            #expect(try await site.put(sample, "image.json").status == 201)
            let whole = try await site.get(sample.path)
            #expect(try state(whole).stage == .complete && state(whole).received["rootfs.tar.xz"] == 50_000)
            #expect(try site.audit().filter { $0.contains("complete: 2 files, 50002 bytes") }.count == 1)
            for (name, expected) in sample.files {
                let path = site.quarantine.path(of: sample.id).appending(Quarantine.files).appending(name)
                #expect(try Array(bytes(of: path)) == expected)
            }
            // Write-once, and said twice it is done once.
            #expect(try await site.put(sample, "image.json").status == 200)
            #expect(try await site.put(sample, "rootfs.tar.xz", at: 7).status == 200)
            #expect(try await site.put(sample).status == 200)
            #expect(try site.audit().count == 1)
            // The publisher decides, and the same upload does not come back.
            let record = try site.quarantine.readRecord(sample.id)
            #expect(record.token == "builder" && record.images.map(\.description) == ["debian/*/amd64/*"])
            try site.quarantine.close(sample.id, UploadOutcome(of: record, refusal: "TEST: red", decided: .now))
            let late = try await state(site.put(sample))
            #expect(late.stage == .refused && late.reason == "TEST: red")
            #expect(try await site.put(sample, "image.json").status == 409)
            #expect(try site.audit().last?.contains("PUT /uploads/") == true)
            #expect(try !directoryHasUploads(site.quarantine))
        }
    }

    @Test(
        "of a wrong hash, a wrong prefix, too large, replayed or without a token is 4xx, shows nothing, and is in the log"
    )
    func refused() async throws {
        let limits: (inout UploadLimits) -> Void = {
            $0.uploadBytes = 60_000
            $0.uploadsPerToken = 3
        }
        try await UploadSite.run(limits: limits) { site in
            let sample = UploadSample()
            var arm = sample
            arm.image = "debian/bookworm/arm64/default"
            var big = sample
            big.files["rootfs.tar.xz"] = Array(pattern(70_000))
            var audited = try site.audit().count
            func expect(_ reply: Reply, _ status: Int, isAudited: Bool = true, _ what: Comment) throws {
                #expect(reply.status == status, what)
                #expect(!reply.text.isEmpty && reply.text.split(separator: "\n").count == 1, what)
                let count = try site.audit().count
                #expect((count == audited + 1) == isAudited, what)
                audited = count
            }
            try await expect(site.put(sample.path, sample.declaration, token: nil), 401, "no token")
            try await expect(site.put(sample.path, sample.declaration, token: site.reader), 403, "a reader")
            try await expect(
                site.put(sample.path, sample.declaration, token: "wrong-wrong-wrong"),
                401,
                "a wrong token"
            )
            try await expect(site.put(arm), 403, "another architecture")
            try await expect(site.put(big), 413, "too large")
            try await expect(site.put(sample.path, arm.declaration, token: site.builder), 422, "another declaration")
            try await expect(
                site.put("/uploads/x", sample.declaration, token: site.builder),
                404,
                isAudited: false,
                "no hash"
            )
            let junk = Array("{\"format\":1}\n".utf8)
            try await expect(
                site.put("/uploads/\(SHA256Digest(hashing: junk))", junk, token: site.builder),
                400,
                "no declaration"
            )
            let loose = Array(String(decoding: sample.declaration, as: UTF8.self).replacing(":", with: ": ").utf8)
            try await expect(
                site.put("/uploads/\(SHA256Digest(hashing: loose))", loose, token: site.builder),
                400,
                "another spelling"
            )
            #expect(try !directoryHasUploads(site.quarantine))
            #expect(try await site.put(sample, "image.json").status == 404)

            #expect(try await site.put(sample).status == 201)
            audited = try site.audit().count
            try await expect(site.put(sample, "other"), 404, "an undeclared file")
            try await expect(
                site.put("\(sample.path)/image.json", Array("{}x".utf8), token: site.builder),
                413,
                "more than declared"
            )
            try await expect(
                site.put("\(sample.path)/image.json", Array("[]".utf8), token: site.builder),
                422,
                "another file"
            )
            try await expect(
                site.put(
                    "\(sample.path)/rootfs.tar.xz",
                    Array("abc".utf8),
                    token: site.builder,
                    "-H",
                    "Content-Digest: sha-256=:\(Data(SHA256Digest(hashing: []).bytes).base64EncodedString()):"
                ),
                422,
                "bytes that were spoilt on the way"
            )
            for bad in ["-1", "x", "99999999999999999999", "1 "] {
                let reply = try await site.put(
                    "\(sample.path)/image.json",
                    [],
                    token: site.builder,
                    "-H",
                    "Upload-Offset: \(bad)"
                )
                #expect(reply.status == 400 || reply.status == 409, "\(bad)")
            }
            let there = try await state(site.get(sample.path))
            #expect(there.stage == .receiving && there.received == ["image.json": 0, "rootfs.tar.xz": 0], "\(there)")

            // Nothing of it can be read, by anybody.
            #expect(try await site.put(sample, "image.json").status == 201)
            for path in ["\(sample.path)/image.json", "/images/debian/bookworm/amd64/default/x", sample.path] {
                let reply = try await site.server.get(path, "-H", "Authorization: Bearer \(site.reader)")
                #expect([403, 404, 405].contains(reply.status), "\(path)")
            }
            #expect(try await site.get("\(sample.path)/image.json").status == 405)
            #expect(try await site.get("/uploads/").status == 404)
            #expect(try await site.get("/uploads/../index.html").status == 404)

            // So many wait and no more; the builder may try later.
            for number in 0..<3 {
                var other = sample
                other.files["build.log"] = Array("\(number)".utf8)
                let reply = try await site.put(other)
                #expect(reply.status == (number < 2 ? 201 : 507), "\(reply.text)")
                if number == 2 { #expect(reply.header("retry-after") != nil) }
            }
            // The log is one chain, each refusal in one line, and no token in it.
            let lines = try site.audit()
            #expect(lines.allSatisfy { !$0.contains(site.builder.dropFirst(4)) && !$0.contains("wrong-wrong") })
            #expect(lines.contains { $0.contains("refused with 403") && $0.contains("by 'reader'") }, "\(lines)")
        }
    }

    @Test("that would fill the disk, or what its token may have, is refused before it starts")
    func room() async throws {
        let disk = ScratchDirectory.path.appending("uploads")
        #expect(try await runProgram("mkdir", [disk.string]).status == 0)
        let mounted = try await runProgram("mount", ["-t", "tmpfs", "-o", "size=1m,nr_inodes=60", "none", disk.string])
        #expect(mounted.status == 0, "\(mounted.errors)")
        let limits: (inout UploadLimits) -> Void = {
            $0.reserveBytes = 300_000
            $0.tokenBytes = 550_000
            $0.reserveInodes = 6
        }
        do {
            try await UploadSite.run(limits: limits) { site in
                func sample(_ size: Int, files: Int = 0) -> UploadSample {
                    var sample = UploadSample()
                    sample.files["rootfs.tar.xz"] = Array(pattern(size))
                    for number in 0..<files { sample.files["from-20250101_00:\(10 + number).patch.zst"] = [] }
                    return sample
                }
                let vast = try await site.put(sample(600_000))
                #expect(vast.status == 413 && vast.text.contains("a token has 550000"), "\(vast.text)")
                let first = sample(400_000)
                #expect(try await site.put(first).status == 201)
                // Nothing of the first has come yet, and its room is taken all the same.
                let second = try await site.put(sample(400_001))
                #expect(
                    second.status == 507 && second.text.contains("uploads of this token have 400002 bytes"),
                    "\(second.text)"
                )
                let third = sample(140_000)
                #expect(try await site.put(third).status == 201)
                #expect(try await site.put(first, "rootfs.tar.xz").status == 201)
                #expect(try await site.put(first, "image.json").status == 201)
                #expect(try await state(site.get(first.path)).stage == .complete)
                let many = try await site.put(sample(1, files: 40))
                #expect(many.status == 507 && many.text.contains("no room for 42 files"), "\(many.text)")
                #expect(many.header("retry-after") != nil && many.text.split(separator: "\n").count == 1)
                try site.quarantine.close(
                    first.id,
                    UploadOutcome(of: site.quarantine.readRecord(first.id), refusal: "TEST", decided: .now)
                )
                // The disk is full with other things.
                let other = disk.appending("other")
                try write([UInt8](repeating: 0, count: 600_000), to: other)
                let full = try await site.put(sample(100_000))
                #expect(full.status == 507 && full.text.contains("no room for 100002 bytes"), "\(full.text)")
                #expect(try site.audit().contains { $0.contains("refused with 507") })
                _ = try await runProgram("rm", [other.string])
                #expect(try await site.put(sample(100_000)).status == 201)
            }
        } catch {
            Issue.record(error)
        }
        #expect(try await runProgram("umount", ["-l", disk.string]).status == 0)
    }

    @Test("that is cut at any byte shows nothing and goes on where it was")
    func cut() async throws {
        try await UploadSite.run(isPlain: true) { site in
            var sample = UploadSample()
            let bytes = Array(pattern(40))
            sample.files = ["image.json": bytes]
            #expect(try await site.put(sample).status == 201)
            let path = "\(sample.path)/image.json"
            var offset = 0
            for cut in 0..<bytes.count {
                let isThere = try await eventually {
                    offset = Int(try await site.get(path, "-I").header("upload-offset") ?? "") ?? -1
                    if offset == cut { return true }
                    // All that is missing is promised, one byte more comes. Again, if the server has not seen yet that
                    // the last connection is gone.
                    let connection = try RawConnection(port: site.server.address.port)
                    try connection.send(
                        "PUT \(path) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(site.builder)\r\n"
                            + "Upload-Offset: \(offset)\r\nContent-Length: \(bytes.count - offset)\r\n\r\n"
                    )
                    try connection.send(bytes[offset..<cut])
                    connection.close()
                    return false
                }
                #expect(isThere, "\(cut)")
                #expect(try await state(site.get(sample.path)).stage == .receiving)
            }
            var reply = try await site.put(sample, "image.json", at: offset)
            // The server may not have seen yet that the last connection is gone.
            for _ in 0..<100 where reply.status == 503 {
                try await Task.sleep(for: .milliseconds(50))
                reply = try await site.put(sample, "image.json", at: offset)
            }
            #expect(reply.status == 201, "\(reply.text)")
            #expect(try await state(site.get(sample.path)).stage == .complete)
        }
    }

    @Test("that stops to come is ended, and one that nobody reads is not taken", arguments: [true, false])
    func stalled(_ isAuthorized: Bool) async throws {
        try await UploadSite.run(isPlain: true, stall: .seconds(1)) { site in
            var sample = UploadSample()
            sample.files["rootfs.tar.xz"] = Array(pattern(2_000_000))
            #expect(try await site.put(sample).status == 201)
            let connection = try RawConnection(port: site.server.address.port)
            let token = isAuthorized ? site.builder : site.reader
            try connection.send(
                "PUT \(sample.path)/rootfs.tar.xz HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(token)\r\n"
                    + "Content-Length: 2000000\r\n\r\n"
            )
            if isAuthorized {
                try connection.send(sample.files["rootfs.tar.xz"]?.prefix(100) ?? [])
            } else {
                for _ in 0..<30 { try connection.send([UInt8](repeating: 0x61, count: 65536)) }
            }
            #expect(try await eventually { connection.isClosed() })
        }
    }

    @Test("goes on after the server was ended, also between the last file and the word about it")
    func restarted() async throws {
        let sample = UploadSample()
        try await UploadSite.run { site in
            let declared = try await site.put(sample)
            #expect(declared.status == 201)
            #expect(try await site.put(sample, "rootfs.tar.xz", count: 30_000).status == 200)
        }
        // A new server has other tokens in its file only if there are none; these are the same.
        let quarantine = Quarantine(ScratchDirectory.path.appending("uploads"))
        let path = quarantine.path(of: sample.id)
        #expect(try bytes(of: path.appending("parts/rootfs.tar.xz")).count == 30_000)
        // The last connection may still hold what the server had.
        var opened: UploadStore?
        _ = try await eventually {
            opened = try? UploadStore(quarantine.directory, limits: UploadLimits())
            return opened != nil
        }
        let store = try #require(opened)
        #expect(throws: RootcellarError.self) { try UploadStore(quarantine.directory, limits: UploadLimits()) }
        let record = try quarantine.readRecord(sample.id)
        let token = TokenList.Token(name: "builder", scope: .upload, images: record.images, created: .now)
        #expect(try store.state(sample.id, token).received["rootfs.tar.xz"] == 30_000)
        // As a server leaves it that is killed between the last byte and the rename; one of them was spoilt.
        let (rootfs, document) = (path.appending("parts/rootfs.tar.xz"), path.appending("parts/image.json"))
        try write(sample.files["rootfs.tar.xz"] ?? [], to: rootfs)
        try write("[]".utf8, to: document)
        let resumed = try store.resume(sample.id, token)
        #expect(resumed.stage == .receiving && resumed.received == ["image.json": 0, "rootfs.tar.xz": 50_000])
        #expect(quarantine.has(sample.id, Quarantine.files, "rootfs.tar.xz"))
        // As a server leaves it that is killed after the last rename.
        for (name, bytes) in sample.files { try write(bytes, to: path.appending("files/\(name)")) }
        #expect(try store.state(sample.id, token).stage == .receiving)
        try store.completeIfWhole(sample.id)
        try store.completeIfWhole(sample.id)
        #expect(try store.state(sample.id, token).stage == .complete)
        #expect(try quarantine.audit.lines().count == 1)
    }

    @Test("that nobody goes on with is removed when there is a new one; a complete one stays")
    func abandoned() async throws {
        let quarantine = Quarantine(ScratchDirectory.path.appending("uploads"))
        var limits = UploadLimits()
        limits.lifetime = -1
        let store = try UploadStore(quarantine.directory, limits: limits)
        let token = TokenList.Token(name: "builder", scope: .upload, images: [try ImagePattern("*")], created: .now)
        let (old, whole) = (UploadSample(), UploadSample(image: "debian/trixie/amd64/default"))
        _ = try store.declare(whole.id, whole.declaration, by: token)
        for (name, bytes) in whole.files {
            try write(bytes, to: quarantine.path(of: whole.id).appending("files/\(name)"))
        }
        try store.completeIfWhole(whole.id)
        _ = try store.declare(old.id, old.declaration, by: token)
        let new = UploadSample(image: "debian/sid/amd64/default")
        _ = try store.declare(new.id, new.declaration, by: token)
        #expect(try Set(quarantine.uploads()) == [whole.id, new.id])
        #expect(try quarantine.audit.lines().last?.contains("nobody went on") == true)
    }

    @Test("needs tokens, and a quarantine outside of the tree")
    func options() async throws {
        let tree = try makeTree(ScratchDirectory.path)
        var options = try ServeOptions(repository: tree, listen: "127.0.0.1:0")
        options.uploads = ScratchDirectory.path.appending("uploads")
        #expect { try TreeService(options, identity: nil) } throws: { ($0 as? RootcellarError)?.errorClass == .usage }
        let file = TokenFile(ScratchDirectory.path.appending("tokens"))
        try file.update { _ in }
        options.tokens = file.path
        _ = try TreeService(options, identity: nil)
        for inside in [tree, tree.appending("uploads"), tree.appending("images/../uploads")] {
            options.uploads = inside
            #expect { try TreeService(options, identity: nil) } throws: {
                ($0 as? RootcellarError)?.errorClass == .usage
            }
        }
    }
}

private func directoryHasUploads(_ quarantine: Quarantine) throws -> Bool { try !quarantine.uploads().isEmpty }
