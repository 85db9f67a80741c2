// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

@Suite("The server's identity", .scratchDirectory)
struct IdentityTests {
    @Test("made on the spot has the fingerprint openssl shows, a month's life and the right names")
    func selfSigned() async throws {
        let file = ScratchDirectory.path.appending("c.pem")
        for (host, name) in [
            ("images.example.org", "DNS:images.example.org"), ("10.1.2.3", "IP Address:10.1.2.3"),
            ("fd00::1", "IP Address:FD00:0:0:0:0:0:0:1"),
        ] {
            let identity = try ServerIdentity.selfSigned(host: host)
            try identity.writeCertificate(to: file)
            let result = try await runProgram(
                "openssl",
                ["x509", "-in", file.string, "-noout", "-fingerprint", "-sha256", "-ext", "subjectAltName"]
            )
            #expect(result.output.lowercased().replacing(":", with: "").contains("\(identity.fingerprint)"))
            for part in [name, "DNS:localhost", "IP Address:127.0.0.1", "IP Address:0:0:0:0:0:0:0:1"] {
                #expect(result.output.contains(part), "\(part): \(result.output)")
            }
            let life = try await runProgram("openssl", ["x509", "-in", file.string, "-noout", "-checkend", "2592000"])
            #expect(life.status == 0)
            #expect(identity.isSelfSigned)
        }
        #expect(
            try ServerIdentity.selfSigned(host: "0.0.0.0").fingerprint
                != ServerIdentity.selfSigned(host: "::").fingerprint
        )
    }

    @Test("made on the spot satisfies curl and wget, and only those who were given it")
    func clients() async throws {
        let tree = try makeTree(ScratchDirectory.path)
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { server in
            let authority = try #require(server.authority).string
            for host in ["127.0.0.1", "localhost"] {
                let url = "https://\(host):\(server.address.port)/rootcellar/pointer.signed"
                let resolve = ["--resolve", "localhost:\(server.address.port):127.0.0.1"]
                let curl = try await runProgram("curl", ["-sS", "--cacert", authority] + resolve + [url])
                #expect(curl.output == "pointer", "\(curl.errors)")
                let wget = try await runProgram("wget", ["-q", "-4", "-O", "-", "--ca-certificate=\(authority)", url])
                #expect(wget.output == "pointer", "\(wget.errors)")
                #expect(try await runProgram("curl", ["-sS"] + resolve + [url]).status == 60)
            }
        }
    }

    @Test("given as files is the one clients see")
    func files() async throws {
        let given = try await TestCertificates.make(in: ScratchDirectory.path)
        let identity = try ServerIdentity(certificate: given.certificate, key: given.key)
        #expect(!identity.isSelfSigned)
        let shown = try await runProgram(
            "openssl",
            ["x509", "-in", given.certificate.string, "-noout", "-fingerprint", "-sha256"]
        )
        #expect(shown.output.lowercased().replacing(":", with: "").contains("\(identity.fingerprint)"))
    }

    @Test("is refused as POLICY when its files do not fit, cannot be read, or are open to everybody")
    func refuses() async throws {
        let scratch = ScratchDirectory.path
        for name in ["a", "b"] {
            try FileManager.default.createDirectory(
                atPath: scratch.appending(name).string,
                withIntermediateDirectories: true
            )
        }
        let one = try await TestCertificates.make(in: scratch.appending("a"))
        let other = try await TestCertificates.make(in: scratch.appending("b"))
        let open = scratch.appending("open.key")
        try write(try Array(Data(contentsOf: URL(filePath: one.key.string))), to: open)
        #expect(try await runProgram("chmod", ["644", open.string]).status == 0)
        let empty = scratch.appending("empty")
        try write([], to: empty)
        #expect(try await runProgram("chmod", ["600", empty.string]).status == 0)
        for (certificate, key, word) in [
            (one.certificate, other.key, "does not belong"), (one.certificate, open, "every user"),
            (one.key, one.key, "no certificate"), (one.certificate, one.certificate, ""),
            (empty, one.key, "no certificate"),
            (one.certificate, empty, "no private key"), (scratch.appending("none"), one.key, "cannot be read"),
            (scratch, one.key, "not a PEM file"),
        ] {
            #expect {
                try ServerIdentity(certificate: certificate, key: key)
            } throws: { error in
                guard let error = error as? RootcellarError else { return false }
                return error.errorClass == .policy && (word.isEmpty || error.reason.contains(word))
            }
        }
    }
}
