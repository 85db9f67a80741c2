// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing
import Transfer

@Suite("A server that cannot be reached")
struct UnreachableTests {
    private func failure(_ address: String, proxy: String?) throws -> RootcellarError? {
        var options = TransferOptions(proxy: proxy)
        options.tries = 1
        let session = try HTTPSession(server: ServerAddress(address), options: options)
        do {
            _ = try session.get("a", limit: 100)
            return nil
        } catch {
            return error
        }
    }

    @Test("is TRANSPORT with what to look at: the address, the name, or the proxy")
    func hints() throws {
        let port = try freePort()
        let refused = try failure("https://localhost:\(port)", proxy: "")
        #expect(refused?.errorClass == .transport)
        #expect(refused?.hint == "check the address, and whether the server is up")
        let unknown = try failure("https://nonesuch.invalid", proxy: "")
        #expect(unknown?.errorClass == .transport)
        #expect(unknown?.hint == "check the name, and this machine's network")
        for proxy in ["http://127.0.0.1:\(port)", "http://nonesuch.invalid:3128"] {
            let behind = try failure("https://localhost:1", proxy: proxy)
            #expect(behind?.errorClass == .transport)
            #expect(behind?.hint?.contains("this goes through a proxy") == true, "\(String(describing: behind))")
        }
    }
}
