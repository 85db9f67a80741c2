// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SystemPackage

/// A throw-away authority and a server certificate made by it, by the real `openssl`; both end after two days.
package struct TestCertificates: Sendable {
    /// PEM file of the authority: what clients are given.
    package let authority: FilePath
    /// PEM file of the server's certificate.
    package let certificate: FilePath
    /// PEM file of the server's key, unencrypted, mode 0600.
    package let key: FilePath

    /// Makes both in the directory `directory`, which must exist.
    ///
    /// - Parameter hosts: DNS names and IP addresses the server goes by.
    package static func make(
        in directory: FilePath,
        hosts: [String] = ["localhost", "127.0.0.1", "::1"]
    ) async throws -> TestCertificates {
        let names = hosts.map { $0.allSatisfy { $0.isHexDigit || $0 == "." || $0 == ":" } ? "IP:\($0)" : "DNS:\($0)" }
        let configuration = directory.appending("certificates.cnf")
        let text = """
            [req]
            distinguished_name = name
            prompt = no
            [name]
            CN = unused
            [authority]
            basicConstraints = critical, CA:TRUE
            keyUsage = critical, keyCertSign
            subjectKeyIdentifier = hash
            [server]
            basicConstraints = critical, CA:FALSE
            extendedKeyUsage = serverAuth
            subjectAltName = \(names.joined(separator: ", "))

            """
        try Data(text.utf8).write(to: URL(filePath: configuration.string))
        func make(_ name: String, _ section: String, _ more: [String]) async throws -> (FilePath, FilePath) {
            let certificate = directory.appending("\(name).pem")
            let key = directory.appending("\(name).key")
            let result = try await runProgram(
                "openssl",
                [
                    "req", "-x509", "-config", configuration.string, "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-noenc", "-subj", "/CN=\(name)", "-extensions", section, "-days", "2",
                    "-out", certificate.string, "-keyout", key.string,
                ] + more
            )
            guard result.status == 0 else { throw TestServerError(what: "openssl: \(result.errors)") }
            return (certificate, key)
        }
        let (authority, authorityKey) = try await make("test-authority", "authority", [])
        let (certificate, key) = try await make(
            "test-server",
            "server",
            ["-CA", authority.string, "-CAkey", authorityKey.string]
        )
        return TestCertificates(authority: authority, certificate: certificate, key: key)
    }
}

/// A server that a test needs cannot be set up.
package struct TestServerError: Error {
    package let what: String

    /// What it is that failed.
    package init(what: String) { self.what = what }
}
