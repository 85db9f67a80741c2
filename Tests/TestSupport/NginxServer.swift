// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// A real nginx over a published tree: HTTPS with HTTP/2 on a loopback port, and the few lines of configuration that the
/// tree needs from a web server.
package struct NginxServer: Sendable {
    /// The port on 127.0.0.1.
    package let port: Int
    /// PEM file of the authority that clients must trust.
    package let authority: FilePath
    /// One line for each request.
    package let accessLog: FilePath

    /// What clients ask.
    package var url: String { "https://localhost:\(port)" }

    /// Runs nginx while `body` runs, and stops it afterwards.
    ///
    /// - Parameters:
    ///   - tree: the directory to serve.
    ///   - scratch: a directory for its files, which must exist.
    ///   - certificates: made in `scratch` if not given.
    ///   - settings: more lines for the server.
    package static func run<Result: Sendable>(
        over tree: FilePath,
        in scratch: FilePath,
        certificates: TestCertificates? = nil,
        settings: String = "",
        _ body: (NginxServer) async throws -> Result
    ) async throws -> Result {
        let given: TestCertificates
        if let certificates { given = certificates } else { given = try await TestCertificates.make(in: scratch) }
        let server = NginxServer(
            port: try freePort(),
            authority: given.authority,
            accessLog: scratch.appending("nginx-access.log")
        )
        let configuration = scratch.appending("nginx.conf")
        let text = server.configuration(tree: tree, scratch: scratch, given, settings)
        try Data(text.utf8).write(to: URL(filePath: configuration.string))
        let errorLog = scratch.appending("nginx-error.log")
        return try await withProgram(
            "nginx",
            ["-p", scratch.string, "-e", errorLog.string, "-c", configuration.string]
        ) {
            try await server.waitUntilListening(errorLog)
            return try await body(server)
        }
    }

    private func configuration(
        tree: FilePath,
        scratch: FilePath,
        _ certificates: TestCertificates,
        _ settings: String
    ) -> String {
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "    \($0)_temp_path \(scratch)/nginx-\($0);" }.joined(separator: "\n")
        // One process, so that ending it ends everything.
        return """
            daemon off;
            master_process off;
            pid \(scratch)/nginx.pid;
            events { worker_connections 512; }
            http {
                access_log \(accessLog);
            \(temporary)
                default_type text/plain;
                types {
                    text/html html;
                    application/json json;
                    application/pgp-signature asc;
                    application/octet-stream signed squashfs xz zst vcdiff;
                }
                sendfile on;
                server {
                    listen 127.0.0.1:\(port) ssl http2;
                    ssl_certificate \(certificates.certificate);
                    ssl_certificate_key \(certificates.key);
                    root \(tree);
                    merge_slashes on;
                    autoindex off;
                    location ~ /\\. { return 404; }
                    \(settings)
                }
            }

            """
    }

    private func waitUntilListening(_ errorLog: FilePath) async throws {
        for _ in 0..<200 {
            if canConnect(port) { return }
            try await Task.sleep(for: .milliseconds(25))
        }
        let log = (try? String(contentsOf: URL(filePath: errorLog.string), encoding: .utf8)) ?? "no log"
        throw TestServerError(what: "nginx does not listen: \(log)")
    }
}

/// A port of the loopback address that was free a moment ago.
package func freePort() throws -> Int {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Errno(rawValue: errno) }
    defer { _ = Glibc.close(descriptor) }
    var address = loopback(0)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
            unsafe bind(descriptor, generic, length) == 0 ? getsockname(descriptor, generic, &length) : -1
        }
    }
    guard status == 0 else { throw Errno(rawValue: errno) }
    return Int(UInt16(bigEndian: address.sin_port))
}

/// Whether something accepts connections on a port of the loopback address.
package func canConnect(_ port: Int) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { _ = Glibc.close(descriptor) }
    var address = loopback(port)
    return unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
            unsafe connect(descriptor, generic, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

private func loopback(_ port: Int) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
}
