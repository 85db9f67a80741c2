// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
import Model
import OpenPGP
import SystemPackage

/// What a definition trusts, as `source.keys` says it: armored public keys; fingerprints, or key ids of 16 digits, of
/// keys that are kept on this machine, subkeys included; and pinned hashes of the file itself, `sha256:HEX`. No keyserver
/// is ever asked, so that a key id only chooses among keys that are trusted already.
struct SourceKeys {
    /// The armored blocks.
    private(set) var blocks: [[UInt8]] = []
    /// The fingerprints of their primary keys.
    private(set) var fingerprints: Set<Fingerprint> = []
    /// Keys of signify(1), base64.
    private(set) var signify: [String] = []
    /// Hashes by which a file is known without any signature.
    private(set) var pins: Set<String> = []

    var isEmpty: Bool { blocks.isEmpty && signify.isEmpty && pins.isEmpty }

    /// - Parameter file: holds more public keys, armored or not.
    /// - Throws: `SOURCE` for what is none of these and for a key that is not kept here.
    init(_ keys: [SourceText], file: FilePath? = nil) throws(RootcellarError) {
        for key in keys {
            let text = stripped(key.text)
            if text.hasPrefix("sha256:") {
                let digits = text.dropFirst(7).lowercased()
                guard SHA256Digest(hex: digits) != nil else {
                    throw RootcellarError(.source, "not a SHA-256: '\(text)'", subject: "\(key.position)")
                }
                pins.insert(digits)
            } else if text.contains(Self.begin) {
                try add(Array(Self.completed(text).utf8) + [0x0A], at: "\(key.position)", named: nil)
            } else if text.hasPrefix("untrusted comment:") || (text.hasPrefix("RW") && text.utf8.count == 56) {
                signify.append(String(text.split(whereSeparator: \.isNewline).last ?? ""))
            } else if let digits = Self.digits(text) {
                let kept = try Self.kept(digits, key)
                try add(kept.block, at: "\(key.position)", named: kept.fingerprint)
            } else {
                throw RootcellarError(
                    .source,
                    "neither a public key, nor a full fingerprint, nor sha256:HEX",
                    subject: "\(key.position)",
                    hint: "put the armored public key itself into source.keys"
                )
            }
        }
        if let file { try add(file) }
    }

    private mutating func add(_ file: FilePath) throws(RootcellarError) {
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try readFile(file, limit: PublicKeyBlock.distributionSizeLimit)
        } catch {
            throw RootcellarError(.source, "cannot read public keys: \(error)", subject: file.string)
        }
        try add(bytes, at: file.string, named: nil)
    }

    private static let begin = "-----BEGIN PGP PUBLIC KEY BLOCK-----"

    /// With the empty line between headers and content, which gpg does without and RFC 4880 (6.2) does not.
    private static func completed(_ text: String) -> String {
        var result: [Substring] = []
        var isHead = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if isHead, !line.contains(": ") {
                if !stripped(String(line)).isEmpty { result.append("") }
                isHead = false
            }
            if line.hasPrefix(begin) { isHead = true }
            result.append(line)
        }
        return result.joined(separator: "\n")
    }

    private mutating func add(
        _ block: [UInt8],
        at place: String,
        named: Fingerprint?
    ) throws(RootcellarError) {
        let found: [Fingerprint]
        do throws(RootcellarError) {
            found = try PublicKeyBlock.primaryFingerprints(
                block,
                subject: place,
                limit: PublicKeyBlock.distributionSizeLimit
            )
        } catch {
            throw RootcellarError(.source, error.reason, subject: place, hint: error.hint)
        }
        if let named, found != [named] {
            throw RootcellarError(
                .source,
                "the key that is kept under this fingerprint is another one",
                subject: place
            )
        }
        blocks.append(block)
        fingerprints.formUnion(found)
    }

    /// Directories in which keys are kept as `FINGERPRINT.asc`: the machine's own, and those that came with the program,
    /// which is installed below any prefix or was just built in its source tree.
    static var directories: [String] {
        let etc = unsafe getenv("ROOTCELLAR_ETC").map { unsafe String(cString: $0) } ?? "/etc/rootcellar"
        var result = ["\(etc)/keys"]
        if let program = try? FilePath("/proc/self/exe").symbolicLinkTarget() {
            let directory = program.removingLastComponent()
            if let build = directory.string.firstRange(of: "/.build/") {
                result.append("\(directory.string[..<build.lowerBound])/keys")
            } else {
                result.append(directory.removingLastComponent().appending("share/rootcellar/keys").string)
            }
        }
        for directory in ["/usr/local/share/rootcellar/keys", "/usr/share/rootcellar/keys"]
        where !result.contains(directory) { result.append(directory) }
        return result
    }

    /// The upper-case digits of a fingerprint or a long key id, as people write them; nil for anything else. The short
    /// ids of 8 digits name any number of keys.
    private static func digits(_ text: String) -> String? {
        if let fingerprint = try? Fingerprint(text) { return fingerprint.hex }
        var digits = text.uppercased()
        if digits.hasPrefix("0X") { digits.removeFirst(2) }
        return digits.utf8.count == 16 && digits.allSatisfy(\.isHexDigit) ? digits : nil
    }

    /// The keys that this machine's own apt trusts, one in a file of any name.
    private static let aptDirectory = "/etc/apt/trusted.gpg.d"

    private static func kept(
        _ digits: String,
        _ key: SourceText
    ) throws(RootcellarError) -> (fingerprint: Fingerprint, block: [UInt8]) {
        for directory in directories + [aptDirectory] {
            guard let opened = try? openPath(FilePath(directory), .readOnly, .directory) else { continue }
            defer { opened.closeQuietly() }
            for name in ((try? opened.names()) ?? []).map({ String(decoding: $0, as: UTF8.self) })
            where name.hasSuffix(".asc") {
                guard let bytes = try? readFile(FilePath("\(directory)/\(name)"), limit: 1 << 20) else { continue }
                if name.dropLast(4).hasSuffix(digits), let fingerprint = try? Fingerprint(String(name.dropLast(4))) {
                    return (fingerprint, bytes)
                }
                if let primary = PublicKeyBlock.primaryFingerprint(ofKeyEndingWith: digits, in: bytes),
                    directory == aptDirectory || name == "\(primary.hex).asc"
                {
                    return (primary, bytes)
                }
            }
        }
        throw RootcellarError(
            .source,
            "a key is named but not given; no keyserver is ever asked",
            subject: "\(key.position)",
            hint: "put the armored public key itself into source.keys, or into \(directories[0])/FINGERPRINT.asc"
        )
    }
}
