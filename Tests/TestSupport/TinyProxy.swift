// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SystemPackage

/// A real tinyproxy on a loopback port, which opens tunnels for whoever knows its password.
package struct TinyProxy: Sendable {
    /// The port on 127.0.0.1.
    package let port: Int
    private let log: FilePath

    /// The proxy's address with the right password in it.
    package var url: String { "http://someone:sesame@127.0.0.1:\(port)" }

    /// Runs the proxy while `body` runs.
    ///
    /// - Parameter scratch: a directory for its files, which must exist.
    package static func run<Result: Sendable>(
        in scratch: FilePath,
        _ body: (TinyProxy) async throws -> Result
    ) async throws -> Result {
        let proxy = TinyProxy(port: try freePort(), log: scratch.appending("tinyproxy.log"))
        let configuration = scratch.appending("tinyproxy.conf")
        let text = """
            Port \(proxy.port)
            Listen 127.0.0.1
            Timeout 30
            LogFile "\(proxy.log)"
            LogLevel Connect
            MaxClients 20
            BasicAuth someone sesame
            DisableViaHeader Yes

            """
        try Data(text.utf8).write(to: URL(filePath: configuration.string))
        return try await withProgram("tinyproxy", ["-d", "-c", configuration.string]) {
            for _ in 0..<200 where !canConnect(proxy.port) { try await Task.sleep(for: .milliseconds(25)) }
            guard canConnect(proxy.port) else { throw TestServerError(what: "tinyproxy does not listen") }
            return try await body(proxy)
        }
    }

    /// The tunnels that were opened, each as `host:port`.
    package func tunnels() throws -> [String] {
        try String(contentsOf: URL(filePath: log.string), encoding: .utf8).split(separator: "\n").compactMap { line in
            line.firstMatch(of: /CONNECT (\S+) HTTP/).map { String($0.1) }
        }
    }
}
