// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@Suite("A plain nginx over the same tree", .scratchDirectory)
struct NginxTests {
    @Test("answers readers as our server does")
    func same() async throws {
        let tree = try makeTree(ScratchDirectory.path)
        let paths = [
            "/", "//meta/1.0//index-system", "/meta/1.0/index-system.5", "/rootcellar/pointer.signed",
            buildPath + "/rootfs.squashfs", "/none", "/.hidden/file", "/images/", "/meta/.1.0-a/index-system",
        ]
        var ours: [(Int, Data)] = []
        try await RunningServer.run(over: tree, in: ScratchDirectory.path) { server in
            for path in paths {
                let reply = try await server.get(path)
                ours.append((reply.status, reply.bytes))
            }
        }
        let body = ScratchDirectory.path.appending("nginx-body")
        let port = try await NginxServer.run(over: tree, in: ScratchDirectory.path) { nginx in
            for (path, expected) in zip(paths, ours) {
                let result = try await runProgram(
                    "curl",
                    [
                        "-sS", "--path-as-is", "--cacert", nginx.authority.string, "-o", body.string, "-w",
                        "%{http_code}",
                    ]
                        + ["--resolve", "localhost:\(nginx.port):127.0.0.1", nginx.url + path]
                )
                #expect(result.output == "\(expected.0)", "\(path) \(result.errors)")
                if expected.0 == 200 { #expect(try bytes(of: body) == expected.1, "\(path)") }
            }
            return nginx.port
        }
        #expect(!canConnect(port))
    }
}
