// SPDX-License-Identifier: Apache-2.0

import Model
import TestSupport
import Testing

@testable import Transfer

@Suite("libcurl")
struct CurlVersionTests {
    @Test("is the one that curl itself reports")
    func current() async throws {
        let program = try await runProgram("curl", ["--version"])
        #expect(program.output.contains("libcurl/\(CurlVersion.current.version)"))
        #expect(program.output.contains(CurlVersion.current.tls))
        try CurlVersion.current.check()
    }

    @Test("is refused when it is too old or has no TLS")
    func refused() {
        for version in [
            CurlVersion(version: "7.73.0", tls: "OpenSSL/1", number: 0x07_49_00),
            CurlVersion(version: "8.0.0", tls: "", number: 0x08_00_00),
        ] {
            #expect(throws: RootcellarError.self) { try version.check() }
        }
    }
}
