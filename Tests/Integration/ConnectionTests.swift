// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("The connection to a server", .scratchDirectory)
struct ConnectionTests {
    /// A key and a certificate that it has signed itself.
    private func makeCertificate(_ name: String) async throws -> (certificate: FilePath, key: FilePath) {
        let certificate = ScratchDirectory.path.appending("\(name).pem")
        let key = ScratchDirectory.path.appending("\(name).key")
        try await runProgram(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-subj",
                "/CN=\(name)", "-days", "2", "-out", certificate.string, "-keyout", key.string,
            ]
        ).succeeded()
        return (certificate, key)
    }

    private func download(_ host: ClientHost, _ server: NginxServer) async throws -> Creation {
        try await host.download("localhost:\(server.port)", "example/one/amd64")
    }

    @Test("shows the client's certificate to a server that wants it, and is refused without it or with another")
    func clientCertificate() async throws {
        let site = try await Site.publishing()
        let (certificate, key) = try await makeCertificate("client")
        let (otherCertificate, otherKey) = try await makeCertificate("other")
        let settings = "ssl_client_certificate \(certificate); ssl_verify_client on;"
        let scratch = ScratchDirectory.path
        try await NginxServer.run(over: site.tree, in: scratch, settings: settings) { server in
            let host = try ClientHost()
            func trust(_ words: String...) async throws -> ProgramResult {
                try await host.run(
                    ["trust", "add", server.url, "--fingerprint", site.fingerprint, "--ca", server.authority.string]
                        + words
                )
            }
            let without = try await trust()
            #expect(without.status == 10 && without.errorLine != nil, "\(without.errors)")
            let wrong = try await trust("--client-cert", otherCertificate.string, "--client-key", otherKey.string)
            #expect(wrong.status == 10 && wrong.errorLine != nil, "\(wrong.errors)")
            try await trust("--client-cert", certificate.string, "--client-key", key.string).succeeded()
            try await download(host, server).result.succeeded()
            // The configuration may name it for all servers instead of the pin.
            host.emptyCache()
            try await Programs.shell("sed -i /client-/d \"$1\"/trust.d/*.conf", host.configuration.string)
            #expect(try await download(host, server).result.status == 10)
            try write(
                "client-cert = \(certificate)\nclient-key = \(key)\n".utf8,
                to: host.configuration.appending("rootcellar.conf")
            )
            try await download(host, server).result.succeeded()
        }
    }

    @Test("goes through the tunnel of a proxy, by the configuration or the environment, and never shows its password")
    func proxy() async throws {
        let site = try await Site.publishing()
        let scratch = ScratchDirectory.path
        try await NginxServer.run(over: site.tree, in: scratch) { server in
            try await TinyProxy.run(in: scratch) { proxy in
                let configured = try ClientHost("configured")
                try write(
                    "proxy = \(proxy.url)\n".utf8,
                    to: configured.configuration.appending("rootcellar.conf")
                )
                try await configured.trust(server.url, site.fingerprint, authority: server.authority).succeeded()
                try await download(configured, server).result.succeeded()
                let tunnels = try proxy.tunnels()
                #expect(!tunnels.isEmpty && tunnels.allSatisfy { $0 == "localhost:\(server.port)" }, "\(tunnels)")

                let plain = try ClientHost("plain")
                let environment = plain.environment.merging(["https_proxy": proxy.url]) { $1 }
                let client = Programs.directory.appending("rootcellar-client").string
                let words = [
                    "trust", "add", server.url, "--fingerprint", site.fingerprint, "--ca", server.authority.string,
                ]
                try await runProgram(client, words, environment: environment).succeeded()
                #expect(try proxy.tunnels().count > tunnels.count)

                let closed = proxy.url.replacing("sesame", with: "pomegranate")
                try write("proxy = \(closed)\n".utf8, to: configured.configuration.appending("rootcellar.conf"))
                configured.emptyCache()
                let refused = try await download(configured, server)
                #expect(refused.result.status == 10, "\(refused.result.errors)")
                #expect(!refused.result.errors.contains("pomegranate"), "\(refused.result.errors)")
                #expect(try refused.isUntouched)
            }
        }
    }

    @Test("goes to another address of the configured server where the first one fails")
    func configuredMirror() async throws {
        let site = try await Site.publishing()
        try await NginxServer.run(over: site.tree, in: ScratchDirectory.path) { mirror in
            let host = try ClientHost()
            try await HostileServer.with { server in
                server.serve(directory: site.tree)
                let both = ScratchDirectory.path.appending("both.pem")
                try await Programs.shell(
                    "cat \"$1\" \"$2\" > \"$3\"",
                    server.caFile,
                    mirror.authority.string,
                    both.string
                )
                try await host.trust(server.url, site.fingerprint, authority: both).succeeded()
                try write(
                    "server = \(server.url)\nserver-mirror = \(mirror.url)\n".utf8,
                    to: host.configuration.appending("rootcellar.conf")
                )
                server.otherwise { _ in .response(status: 503) }
                let creation = try await host.download(server.authority, "example/one/amd64")
                try creation.result.succeeded()
                #expect(creation.result.errors.contains("\(server.url) is left"), "\(creation.result.errors)")
            }
        }
    }
}
