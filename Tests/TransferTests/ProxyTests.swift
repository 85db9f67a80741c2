// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing
import Transfer

@Suite("A proxy")
struct ProxyTests {
    @Test("is asked for a tunnel and for nothing else, and its refusal is TRANSPORT without its password")
    func refused() async throws {
        try await HostileServer.with(wire: .plain) { proxy async throws in
            try await HostileServer.with { server async throws in
                proxy.otherwise { _ in .response(status: 407) }
                let address = "http://me:hunter2@\(proxy.authority)"
                let error = try await refusal(server, { $0.proxy = address }) { _ = try $0.get("a", limit: 100) }
                #expect(error.errorClass == .transport)
                #expect(!error.description.contains("hunter2"))
                #expect(proxy.requests.map(\.method) == ["CONNECT"])
                #expect(proxy.requests.first?.headers["user-agent"] != nil)
                #expect(server.connections == 0)
            }
        }
    }

    @Test("that is no address is TRANSPORT without its password")
    func bad() async throws {
        try await HostileServer.with { server async throws in
            let error = try await refusal(server, { $0.proxy = "wrong://me:hunter2@host:x" }) {
                _ = try $0.get("a", limit: 100)
            }
            #expect(error.errorClass == .transport, "\(error)")
            #expect(!error.description.contains("hunter2"), "\(error)")
        }
    }
}
