// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("A token", .scratchDirectory)
struct TokenTests {
    private func makeToken(_ list: FilePath, _ words: String...) async throws -> String {
        let program = Programs.directory.appending("rootcellar").string
        let made = try await runProgram(program, ["token", "add", "--tokens", list.string] + words).succeeded()
        let token = made.output.trimming()
        #expect(token.wholeMatch(of: /rct_[0-9a-f]{64}/) != nil, "\(made.output)")
        return token
    }

    @Test("opens a private tree to a container host that was given it, and its text appears nowhere")
    func download() async throws {
        let site = try await Site.publishing()
        let list = site.top.appending("tokens.json")
        let token = try await makeToken(list, "--name", "host", "--scope", "read", "--image", "example/*/*/*")
        let other = try await makeToken(list, "--name", "other", "--scope", "read", "--image", "other/*/*/*")
        let shown = try await Programs.rootcellar("token", "list", "--tokens", list.string, "--json").succeeded()
        #expect(shown.output.contains("\"host\"") && !shown.output.contains(token.dropFirst(4)))
        #expect(try !text(list).contains(token.dropFirst(4)))

        let words = ["--tokens", list.string, "--no-anonymous-read"]
        try await PublishedServer.run(site, words: words) { server in
            let host = try ClientHost()
            let file = ScratchDirectory.path.appending("token")
            func trust(_ more: String...) async throws -> ProgramResult {
                try await host.run(
                    ["trust", "add", server.url, "--fingerprint", site.fingerprint, "--ca", server.authority.string]
                        + more
                )
            }
            let without = try await trust()
            #expect(without.status == 10 && without.errorLine?.contains("token-file") == true, "\(without.errors)")
            try await Programs.shell("umask 022; echo \"$1\" > \"$2\"", token, file.string)
            let open = try await trust("--token-file", file.string)
            #expect(open.status == 20 && open.errorLine?.contains("chmod 600") == true, "\(open.errors)")
            try await Programs.shell("chmod 600 \"$1\"", file.string)
            try await trust("--token-file", file.string).succeeded()
            let created = try await host.download(server)
            try created.result.succeeded()
            // Named by the configuration, it is for the configured server.
            host.emptyCache()
            try await Programs.shell("sed -i /token-file/d \"$1\"/trust.d/*.conf", host.configuration.string)
            #expect(try await host.download(server).result.status == 10)
            let configuration = host.configuration.appending("rootcellar.conf")
            try write("token-file = \(file)\n".utf8, to: configuration)
            #expect(try await host.download(server).result.status == 10)
            try write("server = \(server.url)\ntoken-file = \(file)\n".utf8, to: configuration)
            try await host.download(server).result.succeeded()
            // A token for other images: the tree is open to it, this image is not.
            host.emptyCache()
            try await Programs.shell("echo \"$1\" > \"$2\"", other, file.string)
            let hidden = try await host.download(server)
            #expect(hidden.result.status == 10 && hidden.result.errorLine != nil, "\(hidden.result.errors)")

            // A mirror shows its token as a client does.
            let copy = ScratchDirectory.path.appending("copy")
            let mirror = [
                "repo", "mirror", server.url, "--repo", copy.string, "--fingerprint", site.fingerprint, "--ca",
                server.authority.string,
            ]
            let program = Programs.directory.appending("rootcellar").string
            let shut = try await runProgram(program, mirror)
            #expect(shut.status == 10 && shut.errorLine != nil, "\(shut.errors)")
            try await Programs.shell("echo \"$1\" > \"$2\"", token, file.string)
            let copied = try await runProgram(program, mirror + ["--quiet", "--token-file", file.string]).succeeded()
            #expect(copied.output.contains("added images/example/one"))

            let words = try await [
                server.said(), copied.errors, created.result.errors, created.result.output, text(configuration),
            ]
            for secret in [token, other] {
                #expect(!words.contains { $0.contains(secret.dropFirst(4)) })
            }
        }
        try await Programs.rootcellar("token", "remove", "host", "--tokens", list.string).succeeded()
        let gone = try await Programs.rootcellar("token", "remove", "hosts", "--tokens", list.string)
        #expect(gone.status == 20, "\(gone.errors)")
    }

    @Test("is shown to the pinned server alone, wherever a redirect or a signed mirror leads")
    func isKept() async throws {
        let site = try await Site.publishing()
        let file = ScratchDirectory.path.appending("token")
        try await Programs.shell("umask 077; echo 0123456789abcdef0123456789abcdef > \"$1\"", file.string)
        try await HostileServer.with { elsewhere in
            elsewhere.serve(directory: site.tree)
            try await HostileServer.with { server in
                let (here, there) = (server.url, elsewhere.url)
                server.otherwise { request in .redirect(to: there + request.path) }
                let host = try ClientHost()
                let both = ScratchDirectory.path.appending("both.pem")
                try await Programs.shell("cat \"$1\" \"$2\" > \"$3\"", server.caFile, elsewhere.caFile, both.string)
                try await host.run(
                    [
                        "trust", "add", here, "--fingerprint", site.fingerprint, "--ca", both.string, "--token-file",
                        file.string,
                    ]
                ).succeeded()
                let shown = server.requests.map { $0.headers["authorization"] }
                #expect(!shown.isEmpty && shown.allSatisfy { $0 == "Bearer 0123456789abcdef0123456789abcdef" })
                #expect(!elsewhere.requests.isEmpty)
                #expect(elsewhere.requests.allSatisfy { $0.headers["authorization"] == nil })
            }
        }
    }
}
