// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing
import Transfer

@Suite("Certificates")
struct CertificateTests {
    @Test(
        "that are expired, for another host, or self-signed are TRANSPORT, and no request is sent",
        arguments: [HostileServerCertificate.Kind.expired, .wrongHost, .selfSigned]
    )
    func refused(_ kind: HostileServerCertificate.Kind) async throws {
        try await HostileServer.with(kind) { server async throws in
            server.on("/a") { .content([1], for: $0) }
            let error = try await refusal(server) { _ = try $0.get("a", limit: 100) }
            #expect(error.errorClass == .transport && error.reason.contains("certificate"))
            #expect(error.hint?.contains("--ca") == true)
            #expect(server.requests.isEmpty)
            #expect(server.connections == 1, "a bad certificate does not get better by asking again")
            // The same server is fine for a client that does not look, so it is the certificate that was refused.
            let careless = try await runProgram("curl", ["-sk", server.url + "/a"])
            #expect(careless.status == 0 && server.requests.count == 1)
        }
    }

    @Test(
        "of an unknown authority are TRANSPORT: the given file replaces the system's, and the system's do not know it"
    )
    func unknownAuthority() async throws {
        try await HostileServer.with { server async throws in
            try await HostileServer.with(.otherAuthority) { other async throws in
                let file = other.caFile
                let given = try await refusal(server, { $0.caFile = file }) { _ = try $0.get("a", limit: 100) }
                #expect(given.errorClass == .transport && given.reason.contains("certificate"))
                let system = try await refusal(server, { $0.caFile = nil }) { _ = try $0.get("a", limit: 100) }
                #expect(system.errorClass == .transport)
                #expect(server.requests.isEmpty)
            }
        }
    }

    @Test(
        "cannot be checked with a file that is missing or empty: TRANSPORT",
        arguments: ["/nonexistent/ca.pem", "/dev/null"]
    )
    func badAuthorityFile(_ file: String) async throws {
        try await HostileServer.with { server async throws in
            let error = try await refusal(server, { $0.caFile = file }) { _ = try $0.get("a", limit: 100) }
            #expect(error.errorClass == .transport)
            #expect(server.requests.isEmpty)
        }
    }

    @Test("do not help a server that speaks TLS 1.1 at most: TRANSPORT, and no request is sent")
    func oldTLS() async throws {
        try await HostileServer.with(wire: .oldTLS) { server async throws in
            server.on("/a") { .content([1], for: $0) }
            let error = try await refusal(server) { _ = try $0.get("a", limit: 100) }
            #expect(error.errorClass == .transport && error.reason.contains("TLS"))
            #expect(server.requests.isEmpty)
            // A client that may speak TLS 1.1 is served.
            let careless = try await runProgram(
                "curl",
                ["-sk", "--tlsv1.0", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", server.url + "/a"]
            )
            #expect(careless.status == 0 && server.requests.count == 1, "\(careless.errors)")
        }
    }

    @Test("are asked for: a server without TLS is TRANSPORT")
    func plain() async throws {
        try await HostileServer.with(wire: .plain) { server async throws in
            let url = "https://" + server.authority
            let error = try await refusal(
                server,
                url: url,
                {
                    $0.connectTimeout = .milliseconds(300)
                    $0.tries = 1
                }
            ) { _ = try $0.get("a", limit: 100) }
            #expect(error.errorClass == .transport)
            #expect(server.requests.isEmpty)
        }
    }
}
