// SPDX-License-Identifier: Apache-2.0

/// A document and its signatures in one object, so that the two can never be out of step:
///
///     ROOTCELLAR SIGNED 1 LF
///     <payload bytes, decimal> LF
///     <payload> LF
///     <one or more armored, detached, binary-mode OpenPGP signatures>
///
/// The signatures are over `ROOTCELLAR <kind> 1 LF` and the payload. Reading this form looks at lengths only; the
/// payload is parsed by nobody before the signatures are verified.
package struct SignedFile: Sendable, Equatable {
    /// What a signed file says it is. The kind is signed but not stored: a reader names the kind it expects, so a file
    /// of one kind can never pass for another.
    package enum Kind: String, Sendable, CaseIterable {
        case root
        case pointer
        case manifest

        /// The most bytes a whole file of this kind may have, before its signed size is known.
        package var limit: Int {
            switch self {
            case .root: 64 << 10
            case .pointer: 16 << 10
            case .manifest: 1 << 20
            }
        }
    }

    /// The most bytes that the signatures of one file may have.
    package static let signatureLimit = 16 << 10

    /// The document's bytes.
    package let payload: [UInt8]
    /// The armored signatures, one after the other.
    package let signatures: [UInt8]

    /// A file of these parts.
    package init(payload: [UInt8], signatures: [UInt8]) {
        self.payload = payload
        self.signatures = signatures
    }

    /// What has to be signed for a payload of a kind.
    package static func signedBytes(kind: Kind, payload: [UInt8]) -> [UInt8] {
        Array("ROOTCELLAR \(kind.rawValue) 1\n".utf8) + payload
    }

    /// The whole file.
    package var bytes: [UInt8] {
        Self.magic + Array("\(payload.count)\n".utf8) + payload + [0x0A] + signatures
    }

    /// Takes a file apart.
    ///
    /// - Throws: `SIZE` over the limit of its kind, `POLICY` for a newer envelope, `SIGNATURE` for anything that is
    ///   not in this form; a login page is named as such.
    package init(reading bytes: [UInt8], kind: Kind, subject: String) throws(RootcellarError) {
        guard bytes.count <= kind.limit else {
            throw RootcellarError(
                .size,
                "the \(kind.rawValue) file has more than \(kind.limit) bytes",
                subject: subject
            )
        }
        guard bytes.starts(with: Self.magic) else {
            throw Self.unrecognised(bytes, kind: kind, subject: subject)
        }
        func broken(_ why: String) -> RootcellarError {
            RootcellarError(.signature, "not a signed \(kind.rawValue) file (\(why))", subject: subject)
        }
        let rest = bytes[Self.magic.count...]
        guard let lineEnd = rest.prefix(12).firstIndex(of: 0x0A) else { throw broken("no payload length") }
        let digits = rest[rest.startIndex..<lineEnd]
        guard digits.first != 0x30, let length = decimalNumber(digits) else { throw broken("bad payload length") }
        let start = lineEnd + 1
        guard length <= bytes.count - start - 1, bytes[start + length] == 0x0A else {
            throw broken("the payload is not as long as it says")
        }
        let signatures = bytes[(start + length + 1)...]
        guard !signatures.isEmpty else { throw broken("no signature") }
        guard signatures.count <= Self.signatureLimit else { throw broken("too many signature bytes") }
        payload = Array(bytes[start..<(start + length)])
        self.signatures = Array(signatures)
    }

    private static let magic = Array("ROOTCELLAR SIGNED 1\n".utf8)

    private static func unrecognised(_ bytes: [UInt8], kind: Kind, subject: String) -> RootcellarError {
        let head = String(decoding: bytes.prefix(256), as: UTF8.self).lowercased()
        if let line = head.split(separator: "\n", omittingEmptySubsequences: false).first, line.count < head.count,
            line.hasPrefix("rootcellar signed "), let version = Int(line.dropFirst("rootcellar signed ".count)),
            version > 1
        {
            return RootcellarError(
                .policy,
                "this program is too old for this \(kind.rawValue) file",
                subject: subject,
                hint: "install a newer version of rootcellar"
            )
        }
        let hint =
            head.contains("<html") || head.contains("<!doctype")
            ? "it looks like HTML: log in to the network first, or check the server's address" : nil
        return RootcellarError(.signature, "not a signed \(kind.rawValue) file", subject: subject, hint: hint)
    }
}
