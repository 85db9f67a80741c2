// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import Synchronization
import SystemPackage
import TestSupport
import Testing

@Suite("Mirrors, progress and signals", .scratchDirectory)
struct MirrorTests {
    private func nameMirror(_ stage: Stage, _ urls: String...) async throws {
        let place = ["--repo", stage.site.tree.string, "--keys", stage.site.keys.string]
        let program = Programs.directory.appending("rootcellar").string
        try await runProgram(program, ["repo", "mirrors"] + urls + place).succeeded()
    }

    @Test("A mirror that the manifest names is asked when the pinned server is gone")
    func signedMirror() async throws {
        try await HostileServer.with { mirror in
            try await Stage.run { stage in
                mirror.serve(directory: stage.site.tree)
                try await nameMirror(stage, mirror.url)
                try await stage.download().result.succeeded()
                #expect(mirror.requests.isEmpty)
                stage.server.otherwise { _ in .response(status: 503) }
                let creation = try await stage.download("example/two/amd64")
                try creation.result.succeeded()
                #expect(creation.result.errors.contains("\(stage.server.url) is left"), "\(creation.result.errors)")
                #expect(mirror.requests.contains { $0.path.hasSuffix("rootfs.tar.zst") })
                let shown = try await stage.host.run("trust", "show").succeeded().output
                #expect(shown.contains("mirror (signed)") && shown.contains(mirror.url), "\(shown)")
            }
        }
    }

    @Test("A stream that breaks goes on at the block, on the mirror")
    func nextBlock() async throws {
        try await HostileServer.with { mirror in
            try await Stage.run(mirrors: [mirror.url]) { stage in
                mirror.serve(directory: stage.site.tree)
                let path = try await stage.path("rootfs.tar.zst")
                let bytes = try stage.bytes(path)
                stage.server.on(path) { _ in .response(body: bytes, cut: (1 << 20) + 5000) }
                let creation = try await stage.download()
                try creation.result.succeeded()
                #expect(stage.server.count(path) == 1)
                #expect(mirror.requests.filter { $0.path == path }.map(\.rangeStart) == [1 << 20])
                #expect(try await stage.host.strangeCacheFiles() == [])
                let again = try await stage.download()
                #expect(try await again.snapshot().differences(from: try await creation.snapshot()) == [])
            }
        }
    }

    @Test(
        "Whatever a bad address shows is left behind, and none of it is remembered",
        arguments: [
            "old pointer", "changed index", "changed block", "cut document",
        ]
    )
    func badAddress(_ what: String) async throws {
        try await HostileServer.with { mirror in
            try await Stage.run(mirrors: [mirror.url]) { stage in
                let old = try read(stage.site.pointer)
                try await nameMirror(stage)
                try await stage.download("example/two/amd64").result.succeeded()
                mirror.serve(directory: stage.site.tree)
                let index = try stage.manifest().indexes["example"].map { "/" + TreePath.index($0.sha256) } ?? ""
                let flip: @Sendable ([UInt8]) -> [UInt8] = { bytes in
                    var bytes = bytes
                    bytes[bytes.count / 2] ^= 1
                    return bytes
                }
                stage.host.emptyCache()
                if what == "old pointer" {
                    try await stage.download("example/two/amd64").result.succeeded()
                    stage.server.on("/" + TreePath.pointer) { _ in .response(body: old) }
                }
                if what == "changed index" { stage.server.tamper(index, in: stage.site.tree, flip) }
                if what == "changed block" {
                    stage.server.tamper(try await stage.path("rootfs.tar.zst"), in: stage.site.tree, flip)
                }
                if what == "cut document" {
                    stage.server.tamper(try await stage.path("image.json"), in: stage.site.tree) { $0.dropLast() }
                }
                let creation = try await stage.download()
                #expect(creation.result.status == 0, "\(creation.result.errors)")
                #expect(creation.result.errors.contains("\(stage.server.url) is left"), "\(creation.result.errors)")
                #expect(try await stage.host.strangeCacheFiles() == [])
                let shown = try await stage.host.run("trust", "show", "--json").succeeded().output
                #expect(shown.contains("\"manifest\" : 4"), "\(shown)")
            }
        }
    }

    /// An answer that stops for a while in the middle.
    private func slowly(_ bytes: [UInt8], _ pause: Duration) -> HostileServerReply {
        HostileServerReply([
            .bytes(HostileServerReply.head(200, ["Content-Length: \(bytes.count)"])),
            .bytes(Array(bytes.prefix(bytes.count / 2))), .pause(pause),
            .bytes(Array(bytes.dropFirst(bytes.count / 2).prefix(1000))), .pause(.milliseconds(500)),
            .bytes(Array(bytes.dropFirst(bytes.count / 2 + 1000))),
        ])
    }

    @Test("Without a terminal progress is a plain line every five seconds, with what is left")
    func plainProgress() async throws {
        try await Stage.run { stage in
            let path = try await stage.path("rootfs.tar.zst")
            let bytes = try stage.bytes(path)
            stage.server.on(path) { _ in slowly(bytes, .seconds(6)) }
            let creation = try await stage.download()
            try creation.result.succeeded()
            let lines = creation.result.errors.split(separator: "\n").filter { $0.contains(" MB/s, ") }
            #expect(lines.count == 1, "\(creation.result.errors)")
            let form = /rootcellar: \d+ %, \d+\.\d of \d+\.\d MB, \d+\.\d MB\/s, .* left/
            #expect(lines.first?.wholeMatch(of: form) != nil, "\(lines)")
            #expect(!creation.result.errors.contains("\u{1B}"))
        }
    }

    @Test("On a terminal progress is one line that is drawn anew")
    func terminalProgress() async throws {
        try await Stage.run { stage in
            let path = try await stage.path("rootfs.tar.zst")
            let bytes = try stage.bytes(path)
            stage.server.on(path) { _ in slowly(bytes, .seconds(1)) }
            let out = ScratchDirectory.path.appending("terminal")
            let creation = try await stage.download(
                script:
                    "export TERM=xterm; exec script -qefc \"$(printf '%s ' \"$@\")\" \(out) </dev/null >/dev/null 2>&1"
            )
            try creation.result.succeeded()
            let shown = try text(out)
            #expect(shown.contains(" MB/s  ") && shown.contains("\r[=") && shown.contains("\u{1B}[K"), "\(shown)")
        }
    }

    @Test("A signal that comes twice at once is one, as timeout(1) sends it to a process and its group")
    func twice() async throws {
        try await Stage.run { stage in
            let path = try await stage.path("rootfs.tar.zst")
            let bytes = try stage.bytes(path)
            stage.server.on(path) { _ in slowly(bytes, .seconds(100)) }
            let script = """
                "$@" & program=$!; sleep 6
                for again in 1 2 3 4 5; do kill -TERM $program 2>/dev/null || break; sleep 0.02; done; wait $program
                """
            let creation = try await stage.download(script: script)
            #expect(creation.result.status == 143, "\(creation.result.errors)")
            #expect(creation.result.errors.contains("rootcellar: interrupted"), "\(creation.result.errors)")
            #expect(try creation.isUntouched)
        }
    }

    @Test("A signal ends a creation with 128 and its number, and nothing is left", arguments: ["INT", "TERM", "HUP"])
    func signals(_ name: String) async throws {
        try await Stage.run { stage in
            let path = try await stage.path("rootfs.tar.zst")
            let bytes = try stage.bytes(path)
            stage.server.on(path) { _ in slowly(bytes, .seconds(100)) }
            let creation = try await stage.download(script: "exec timeout --preserve-status -s \(name) 8 \"$@\"")
            let number = ["INT": 2, "TERM": 15, "HUP": 1][name] ?? 0
            #expect(creation.result.status == 128 + number, "\(creation.result.errors)")
            #expect(creation.result.errors.contains("rootcellar: interrupted"), "\(creation.result.errors)")
            #expect(try creation.isUntouched)
            // What had arrived and was verified is used the next time.
            stage.server.remove(path)
            stage.server.forgetRequests()
            try await stage.download().result.succeeded()
            #expect(stage.server.requests.filter { $0.path == path }.map(\.rangeStart) == [1 << 20])
            #expect(try await stage.host.strangeCacheFiles() == [])
        }
    }
}

@Suite("First steps that go wrong", .scratchDirectory)
struct FirstStepsTests {
    @Test(
        "A name that is slightly wrong brings the right one",
        arguments: [
            ["exampel/one/amd64", "did you mean 'example'?"], ["example/oen/amd64", "did you mean the release 'one'?"],
            ["example/one/arm64", "there are the architectures: amd64"],
            ["example/one/amd64/cloud", "there are the variants: default"],
        ]
    )
    func nearNames(_ pair: [String]) async throws {
        try await Stage.run { stage in
            let parts = pair[0].split(separator: "/").map(String.init)
            let options = parts.count > 3 ? ["--variant", parts[3]] : []
            let creation = try await stage.host.download(stage.server.authority, pair[0], options)
            #expect(creation.result.status == 20)
            #expect(creation.result.errorLine?.contains(pair[1]) == true, "\(creation.result.errors)")
            #expect(try creation.isUntouched)
        }
    }

    @Test("Without any server the line says which command pins one")
    func noServer() async throws {
        let host = try ClientHost()
        let list = try await host.run("list")
        #expect(list.status == 20)
        #expect(list.errorLine?.contains("rootcellar trust add https://HOST --fingerprint") == true, "\(list.errors)")
    }

    @Test("A proxy that refuses is named with its answer, and never with its password")
    func refusingProxy() async throws {
        try await HostileServer.with(wire: .plain) { proxy in
            try await Stage.run { stage in
                stage.host.emptyCache()
                proxy.otherwise { _ in .response(status: 403) }
                let line = try await stage.refused(
                    .transport,
                    script:
                        "unset no_proxy NO_PROXY SUDO_UID; export https_proxy=http://user:secret@\(proxy.authority);"
                        + " exec \"$@\""
                )
                #expect(line.contains("403") && line.lowercased().contains("proxy"), "\(line)")
                #expect(!line.contains("secret"))
                #expect(!proxy.requests.isEmpty)
            }
        }
    }

    @Test("Under sudo the caller's proxy is not used, and a line says so")
    func sudoProxy() async throws {
        try await HostileServer.with(wire: .plain) { proxy in
            try await Stage.run { stage in
                let creation = try await stage.download(
                    script: "unset no_proxy NO_PROXY; export SUDO_UID=1000 https_proxy=http://\(proxy.authority);"
                        + " exec \"$@\""
                )
                try creation.result.succeeded()
                #expect(creation.result.errors.contains("set 'proxy' in rootcellar.conf"), "\(creation.result.errors)")
                #expect(proxy.connections == 0)
            }
        }
    }

    @Test("A full disk is CACHE, with the system's own words")
    func fullDisk() async throws {
        try await Stage.run { stage in
            let script =
                "mkdir -p \"$LXC_CACHE_PATH\"; mount -t tmpfs -o size=1536k,mode=755 tmpfs \"$LXC_CACHE_PATH\"; exec \"$@\""
            let creation = try await stage.download(script: "exec unshare -m sh -euc '\(script)' sh \"$@\"")
            #expect(creation.result.status == 19, "\(creation.result.errors)")
            #expect(creation.result.errorLine?.contains("No space left on device") == true, "\(creation.result.errors)")
            #expect(try creation.isUntouched)
        }
    }

    @Test("A client key that others may read is POLICY, and how to cure it")
    func openKey() async throws {
        try await Stage.run { stage in
            let key = ScratchDirectory.path.appending("client.key")
            try write("no key\n".utf8, to: key)
            let words = ["--client-cert", key.string, "--client-key", key.string]
            let fixed = ["trust", "add", stage.server.url, "--fingerprint", stage.site.fingerprint]
            let open = try await stage.host.run(fixed + words)
            #expect(open.status == 20 && open.errorLine?.contains("chmod 600") == true, "\(open.errors)")
        }
    }
}
