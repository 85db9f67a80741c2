// SPDX-License-Identifier: Apache-2.0

import Crypto
import FoundationEssentials
import Model
import SwiftASN1
import X509

#if canImport(Glibc)
import Glibc
#endif

extension ServerIdentity {
    /// Days that a certificate made here is valid: the longest that public authorities were allowed until 2026, and what
    /// strict clients accept (CA/Browser Forum, ballot SC31).
    private static let lifetimeInDays = 397.0

    /// Makes a new P-256 key and a certificate for it, valid for `host`, for localhost and for both loopback addresses.
    /// Listening on every address, the machine's own name stands for the host. The key is never written anywhere.
    ///
    /// - Throws: `INTERNAL` if the library refuses.
    package static func selfSigned(host: String) throws -> ServerIdentity {
        do {
            let key = P256.Signing.PrivateKey()
            let pem = try certificate(names: names(host: host), key: key).serializeAsPEM().pemString
            return try ServerIdentity(
                certificatePEM: Array((pem + "\n").utf8),
                keyPEM: Array(key.pemRepresentation.utf8),
                isSelfSigned: true,
                certificateSource: "self-signed certificate",
                keySource: "its key"
            )
        } catch let error as RootcellarError {
            throw error
        } catch {
            throw RootcellarError(.internal, "no certificate could be made: \(error)", subject: host)
        }
    }

    private static func certificate(names: [GeneralName], key: P256.Signing.PrivateKey) throws -> Certificate {
        let issuer = Certificate.PrivateKey(key)
        let subject = try DistinguishedName { CommonName("Rootcellar self-signed") }
        let now = Date()
        return try Certificate(
            version: .v3,
            serialNumber: Certificate.SerialNumber(),
            publicKey: issuer.publicKey,
            // A day early, for clients whose clock is behind.
            notValidBefore: now - 86400,
            notValidAfter: now + (lifetimeInDays - 1) * 86400,
            issuer: subject,
            subject: subject,
            extensions: Certificate.Extensions {
                // Not an authority: whoever trusts it trusts this one server and nothing it could sign.
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(names)
            },
            issuerPrivateKey: issuer
        )
    }

    private static func names(host: String) -> [GeneralName] {
        var hosts = ["localhost", "127.0.0.1", "::1"]
        if IPAddress(host)?.isUnspecified == true {
            if let own = machineName() { hosts.insert(own, at: 0) }
        } else if !hosts.contains(host) {
            hosts.insert(host, at: 0)
        }
        return hosts.map { host in
            guard let address = IPAddress(host) else { return .dnsName(host) }
            return .ipAddress(ASN1OctetString(contentBytes: address.bytes[...]))
        }
    }

    private static func machineName() -> String? {
        var name = [UInt8](repeating: 0, count: 256)
        let status = unsafe name.withUnsafeMutableBytes { bytes in
            guard let start = bytes.baseAddress else { return CInt(-1) }
            return unsafe gethostname(start.assumingMemoryBound(to: CChar.self), bytes.count - 1)
        }
        guard status == 0 else { return nil }
        let text = String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
        return text.isEmpty ? nil : text
    }
}
