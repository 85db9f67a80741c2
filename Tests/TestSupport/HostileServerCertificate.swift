// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// A throw-away certificate authority and a certificate made by it, by the real `openssl`.
package struct HostileServerCertificate: Sendable {
    /// What is right or wrong with the certificate.
    package enum Kind: Sendable, CaseIterable {
        /// For localhost and the loopback addresses, for two days.
        case valid
        /// Ended yesterday.
        case expired
        /// For another host.
        case wrongHost
        /// Signed by itself, and not in the authority's file.
        case selfSigned
        /// As valid, by an authority that no other server of the process has.
        case otherAuthority
        /// Valid from 2020 to 2039, authority included: for clients whose clock is shifted.
        case longLived
    }

    /// PEM file of the authority.
    package let authority: FilePath
    /// PEM file of the certificate.
    package let chain: FilePath
    /// PEM file of its key, unencrypted.
    package let key: FilePath

    /// Makes both in `directory`.
    package static func make(_ kind: Kind, in directory: FilePath) async throws -> Self {
        let configuration = directory.appending("openssl.cnf")
        let name = kind == .wrongHost ? "DNS:elsewhere.invalid" : "DNS:localhost, IP:127.0.0.1, IP:::1"
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
            subjectAltName = \(name)
            [issue]
            database = \(directory)/index
            new_certs_dir = \(directory)
            rand_serial = yes
            default_md = sha256
            policy = any
            [any]
            commonName = supplied

            """
        try Data(text.utf8).write(to: URL(filePath: configuration.string))
        let files = Self(
            authority: directory.appending("ca.pem"),
            chain: directory.appending("server.pem"),
            key: directory.appending("server.key")
        )
        let authorityKey = directory.appending("ca.key").string
        let fresh = [
            "req", "-config", configuration.string, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
        ]
        let signed = [
            "-x509", "-days", kind == .longLived ? "7300" : "2", "-subj", "/CN=server", "-extensions", "server",
        ]
        let days = kind == .longLived ? "7300" : "2"
        let date = kind == .longLived ? "2020-01-01 00:00:00" : nil
        try await openssl(
            at: date,
            fresh + [
                "-x509", "-days", days, "-subj", "/CN=Throw-away authority", "-extensions", "authority", "-out",
                files.authority.string, "-keyout", authorityKey,
            ]
        )
        let output = ["-out", files.chain.string, "-keyout", files.key.string]
        switch kind {
        case .valid, .otherAuthority, .wrongHost, .longLived:
            try await openssl(
                at: date,
                fresh + signed + output + ["-CA", files.authority.string, "-CAkey", authorityKey]
            )
        case .selfSigned:
            try await openssl(fresh + signed + output)
        case .expired:
            // Only `ca` takes dates; the others take days from now, and at least one.
            let request = directory.appending("request.pem").string
            try await openssl(fresh + ["-subj", "/CN=server", "-out", request, "-keyout", files.key.string])
            try Data().write(to: URL(filePath: directory.appending("index").string))
            try await openssl([
                "ca", "-batch", "-config", configuration.string, "-name", "issue", "-in", request, "-out",
                files.chain.string, "-cert", files.authority.string, "-keyfile", authorityKey, "-extensions", "server",
                "-startdate", "20200101000000Z", "-enddate", "20200102000000Z", "-notext",
            ])
        }
        return files
    }

    /// - Parameter date: what the clock of the program says, if not the time.
    private static func openssl(at date: String? = nil, _ arguments: [String]) async throws {
        let line = date.map { FakeTime.words([$0], ["openssl"] + arguments) } ?? ["openssl"] + arguments
        let result = try await runProgram(line[0], Array(line.dropFirst()))
        guard result.status == 0 else { throw HostileServerError(what: "openssl: \(result.errors)") }
    }

    /// The certificate of a kind, made once for all tests of the process; `otherAuthority` is new every time.
    static func shared(_ kind: Kind) async throws -> Self {
        try await HostileServerCertificates.shared.certificate(kind)
    }
}

/// Makes each kind of certificate once: making them takes longer than most tests.
private actor HostileServerCertificates {
    static let shared = HostileServerCertificates()

    private var making: [HostileServerCertificate.Kind: Task<HostileServerCertificate, any Error>] = [:]
    private var others = 0

    func certificate(_ kind: HostileServerCertificate.Kind) async throws -> HostileServerCertificate {
        if kind != .otherAuthority, let task = making[kind] { return try await task.value }
        others += 1
        let directory = certificateDirectory.appending("\(kind)-\(others)")
        let task = Task {
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
            return try await HostileServerCertificate.make(kind, in: directory)
        }
        if kind != .otherAuthority { making[kind] = task }
        return try await task.value
    }
}

/// Removed when the process ends.
private let certificateDirectory: FilePath = {
    let directory = (try? makeScratchDirectory()) ?? "/tmp/rct-certificates"
    atexit { removeTree(certificateDirectory) }
    return directory
}()

/// The test server cannot be set up.
struct HostileServerError: Error {
    var what: String
}
