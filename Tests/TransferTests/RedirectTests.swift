// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@testable import Transfer

@Suite("Redirects")
struct RedirectTests {
    @Test("are followed within HTTPS: absolute, relative, and to another server", arguments: [301, 302, 303, 307, 308])
    func followed(_ status: Int) async throws {
        try await HostileServer.with { server async throws in
            server.on("/x/a") { _ in .redirect(status, to: "b?query#fragment") }
            server.on("/x/b") { _ in .redirect(status, to: "/c") }
            let last = server.url + "/d"
            server.on("/c") { _ in .redirect(status, to: last) }
            server.on("/d") { .pattern(size: 1000, for: $0) }
            #expect(try await client(server) { try $0.bytes("x/a", exactSize: 1000) } == pattern(0..<1000))
            #expect(try await client(server) { try $0.streamed("x/a", from: 10, size: 1000) } == pattern(10..<1000))
            #expect(server.requests.map(\.target).prefix(4) == ["/x/a", "/x/b?query", "/c", "/d"])
        }
    }

    @Test(
        "to anything but HTTPS are TRANSPORT, and no request is sent",
        arguments: ["http", "ftp", "ftps", "gopher", "smb"]
    )
    func otherSchemes(_ scheme: String) async throws {
        try await HostileServer.with(wire: .plain) { target async throws in
            try await HostileServer.with { server async throws in
                let location = "\(scheme)://\(target.authority)/stolen"
                server.on("/a") { _ in .redirect(to: location) }
                let get = try await refusal(server) { _ = try $0.get("a", limit: 100) }
                #expect(get.errorClass == .transport && get.reason.contains("redirect"))
                #expect(try await refusal(server) { _ = try $0.streamed("a", size: 9) }.errorClass == .transport)
                #expect(server.requests.count == 2)
                #expect(target.connections == 0)
            }
        }
    }

    @Test(
        "that are no usable HTTPS URL are TRANSPORT",
        arguments: [
            "file:///etc/passwd", "data:,x", "javascript:1", "https://user:hunter2@localhost/", "https://", "",
            "\\\\host\\x",
            "https://localhost:99999/", "//user@localhost/x", "https://local host/",
        ]
    )
    func badTargets(_ location: String) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .redirect(to: location) }
            let error = try await refusal(server) { _ = try $0.get("a", limit: 100) }
            #expect(error.errorClass == .transport)
            #expect(!error.description.contains("hunter2"))
            #expect(server.requests.count == 1)
        }
    }

    @Test("without a target are TRANSPORT")
    func noTarget() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .response(status: 302) }
            #expect(try await refusal(server) { _ = try $0.get("a", limit: 100) }.errorClass == .transport)
        }
    }

    @Test("in a loop are TRANSPORT after five")
    func loop() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .redirect(to: "/a") }
            let error = try await refusal(server) { _ = try $0.get("a", limit: 100) }
            #expect(error.errorClass == .transport && error.reason.contains("5 redirects"))
            #expect(server.requests.count == 6)
        }
    }

    @Test("with an endless body are followed all the same")
    func endlessBody() async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in
                HostileServerReply([
                    .bytes(HostileServerReply.head(302, ["Location: /b", "Content-Length: 99999999999"])),
                    .endlessly([UInt8](repeating: 0, count: 4096), every: .zero),
                ])
            }
            server.on("/b") { .content([1], for: $0) }
            #expect(try await client(server) { try $0.bytes("a") } == [1])
        }
    }

    @Test("to a server of another authority are TRANSPORT")
    func otherAuthority() async throws {
        try await HostileServer.with(.otherAuthority) { target async throws in
            try await HostileServer.with { server async throws in
                let location = target.url + "/a"
                server.on("/a") { _ in .redirect(to: location) }
                let error = try await refusal(server) { _ = try $0.get("a", limit: 100) }
                #expect(error.errorClass == .transport && error.reason.contains("certificate"))
                #expect(target.requests.isEmpty)
            }
        }
    }
}
