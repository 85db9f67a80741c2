// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
import Model
import OpenPGP
import SystemPackage

/// What a definition trusts, as `source.keys` says it: armored public keys; fingerprints of keys that are kept on this
/// machine; and pinned hashes of the file itself, `sha256:HEX`. No keyserver is ever asked.
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

    /// - Throws: `SOURCE` for what is none of these and for a key that is not kept here.
    init(_ keys: [SourceText]) throws(RootcellarError) {
        for key in keys {
            let text = stripped(key.text)
            if text.hasPrefix("sha256:") {
                let digits = text.dropFirst(7).lowercased()
                guard SHA256Digest(hex: digits) != nil else {
                    throw RootcellarError(.source, "not a SHA-256: '\(text)'", subject: "\(key.position)")
                }
                pins.insert(digits)
            } else if text.contains(Self.begin) {
                try add(Array(text.utf8) + [0x0A], key, named: nil)
            } else if text.hasPrefix("untrusted comment:") || (text.hasPrefix("RW") && text.utf8.count == 56) {
                signify.append(String(text.split(whereSeparator: \.isNewline).last ?? ""))
            } else if let fingerprint = try? Fingerprint(text) {
                try add(Self.kept(fingerprint, key), key, named: fingerprint)
            } else {
                throw RootcellarError(
                    .source,
                    "neither a public key, nor a full fingerprint, nor sha256:HEX",
                    subject: "\(key.position)",
                    hint: "put the armored public key itself into source.keys"
                )
            }
        }
    }

    private static let begin = "-----BEGIN PGP PUBLIC KEY BLOCK-----"

    private mutating func add(
        _ block: [UInt8],
        _ key: SourceText,
        named: Fingerprint?
    ) throws(RootcellarError) {
        let found: [Fingerprint]
        do throws(RootcellarError) {
            found = try PublicKeyBlock.primaryFingerprints(block, subject: "\(key.position)")
        } catch {
            throw RootcellarError(.source, error.reason, subject: "\(key.position)", hint: error.hint)
        }
        if let named, found != [named] {
            throw RootcellarError(
                .source,
                "the key that is kept under this fingerprint is another one",
                subject: "\(key.position)"
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

    private static func kept(_ fingerprint: Fingerprint, _ key: SourceText) throws(RootcellarError) -> [UInt8] {
        for directory in directories {
            if let bytes = try? readFile(FilePath("\(directory)/\(fingerprint.hex).asc"), limit: 1 << 20) {
                return bytes
            }
        }
        throw RootcellarError(
            .source,
            "a key is named but not given; no keyserver is ever asked",
            subject: "\(key.position)",
            hint: "put the armored public key itself into source.keys, or into \(directories[0])/\(fingerprint.hex).asc"
        )
    }
}
