// SPDX-License-Identifier: Apache-2.0

package import Model
import NIOSSL
package import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// A certificate chain and its private key.
package struct ServerIdentity: Sendable {
    /// The certificates in PEM form, the server's own first. Public.
    package let certificatePEM: String
    /// SHA-256 over the server's own certificate in DER form: what browsers and openssl show as its fingerprint.
    package let fingerprint: SHA256Digest
    /// When the server's own certificate ends.
    package let validUntil: Timestamp
    /// Whether it was made here, so that no client knows it yet.
    package let isSelfSigned: Bool

    let chain: [NIOSSLCertificate]
    let privateKey: NIOSSLPrivateKey

    /// Reads both PEM files.
    ///
    /// - Throws: `POLICY` if one cannot be read, holds something else, or the key belongs to another certificate; and if
    ///   every user of the machine may read the key.
    package init(certificate: FilePath, key: FilePath) throws {
        let certificateText = try Self.readSmall(certificate, isSecret: false)
        let keyText = try Self.readSmall(key, isSecret: true)
        try self.init(
            certificatePEM: certificateText,
            keyPEM: keyText,
            isSelfSigned: false,
            certificateSource: certificate.string,
            keySource: key.string
        )
    }

    init(
        certificatePEM: [UInt8],
        keyPEM: [UInt8],
        isSelfSigned: Bool,
        certificateSource: String,
        keySource: String
    ) throws {
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(certificatePEM)
        } catch {
            throw RootcellarError(.policy, "no certificate in PEM form", subject: certificateSource)
        }
        guard let leaf = chain.first else {
            throw RootcellarError(.policy, "no certificate in PEM form", subject: certificateSource)
        }
        do {
            privateKey = try NIOSSLPrivateKey(bytes: keyPEM, format: .pem)
        } catch {
            throw RootcellarError(
                .policy,
                "no private key in PEM form without a passphrase",
                subject: keySource
            )
        }
        self.certificatePEM = String(decoding: certificatePEM, as: UTF8.self)
        fingerprint = SHA256Digest(hashing: try leaf.toDERBytes())
        validUntil = Timestamp(seconds: Int64(leaf.notValidAfter))
        self.isSelfSigned = isSelfSigned
        do {
            _ = try NIOSSLContext(configuration: tlsConfiguration)
        } catch {
            throw RootcellarError(
                .policy,
                "the private key does not belong to the certificate \(certificateSource)",
                subject: keySource
            )
        }
    }

    /// TLS 1.2 and 1.3. HTTP/2 and HTTP/1.1 are offered where the server is built.
    var tlsConfiguration: TLSConfiguration {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(privateKey)
        )
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }

    /// Writes the certificates, not the key, where clients can take them as their `--ca`: under another name first, then
    /// renamed, mode 0644.
    ///
    /// - Throws: `POLICY` with the system's reason.
    package func writeCertificate(to path: FilePath) throws {
        let temporary = path.string + ".new"
        do {
            let file = try FileDescriptor.open(
                FilePath(temporary),
                .writeOnly,
                options: [.create, .truncate, .noFollow, .closeOnExec],
                permissions: FilePermissions(rawValue: 0o644)
            )
            try file.closeAfter {
                _ = try file.writeAll(certificatePEM.utf8)
            }
            guard unsafe rename(temporary, path.string) == 0 else { throw Errno(rawValue: errno) }
        } catch let error as Errno {
            throw RootcellarError(.policy, "the certificate cannot be written: \(error)", subject: path.string)
        }
    }

    /// The certificates of a PEM file.
    ///
    /// - Throws: `POLICY` if there are none.
    static func authorities(_ path: FilePath) throws -> [NIOSSLCertificate] {
        let bytes = try readSmall(path, isSecret: false)
        guard let found = try? NIOSSLCertificate.fromPEMBytes(bytes), !found.isEmpty else {
            throw RootcellarError(.policy, "no certificate in PEM form", subject: path.string)
        }
        return found
    }

    /// A file of at most 1 MiB.
    private static func readSmall(_ path: FilePath, isSecret: Bool) throws -> [UInt8] {
        let limit = 1 << 20
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
            return try file.closeAfter {
                guard let status = FileStatus(descriptor: file.rawValue) else { throw Errno(rawValue: errno) }
                guard status.kind == .regular, status.size <= limit else {
                    throw RootcellarError(.policy, "not a PEM file of at most 1 MiB", subject: path.string)
                }
                guard !isSecret || status.mode & 0o007 == 0 else {
                    throw RootcellarError(
                        .policy,
                        "every user of this machine may use the private key",
                        subject: path.string,
                        hint: "chmod o= \(path.string)"
                    )
                }
                var bytes: [UInt8] = []
                var buffer = [UInt8](repeating: 0, count: 64 << 10)
                while bytes.count <= limit {
                    let got = try unsafe buffer.withUnsafeMutableBytes { try unsafe file.read(into: $0) }
                    if got == 0 { break }
                    bytes += buffer[..<got]
                }
                return bytes
            }
        } catch let error as Errno {
            throw RootcellarError(.policy, "cannot be read: \(error)", subject: path.string)
        }
    }
}
