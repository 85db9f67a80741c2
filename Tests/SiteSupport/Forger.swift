// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage
import TestSupport

/// Signs what a publisher would never sign, with the real gpg: in the publisher's own key directory, or in one of
/// somebody else.
package struct Forger: Sendable {
    package let home: FilePath

    /// With the keys of a site.
    package init(_ site: Site) { home = site.keys.appending("gnupg") }

    /// With keys of nobody's, in a new directory.
    package init(strangerIn name: String) async throws {
        home = ScratchDirectory.path.appending(name)
        try await Programs.shell("mkdir -m 700 \"$1\"", home.string)
    }

    /// Runs gpg.
    package func gpg(_ arguments: [String], input: String = "") async throws -> String {
        let fixed = [
            "--homedir", home.string, "--batch", "--yes", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "",
        ]
        return try await runProgram("gpg", fixed + arguments, input: input).succeeded().output
    }

    /// Makes a key.
    ///
    /// - Returns: its fingerprint.
    package func makeKey(_ userID: String) async throws -> String {
        _ = try await gpg(["--quick-gen-key", userID, "ed25519", "sign,cert", "never"])
        return try await fingerprint(userID)
    }

    /// The fingerprint of the key whose user id contains `text`.
    package func fingerprint(_ text: String) async throws -> String {
        let listing = try await gpg(["--with-colons", "--list-keys", text])
        guard let line = listing.split(separator: "\n").first(where: { $0.hasPrefix("fpr:") }) else {
            throw Unexpected(what: "no key of \(text)")
        }
        return String(line.split(separator: ":").last ?? "")
    }

    /// An armored, detached signature over `bytes`.
    ///
    /// - Parameter options: put before gpg's command.
    package func sign(
        _ bytes: [UInt8],
        by key: String,
        _ command: String = "--detach-sign",
        options: [String] = []
    ) async throws -> [UInt8] {
        let file = home.appending("message-\(UInt32.random(in: 0 ... .max))")
        try write(bytes, to: file)
        let output = file.string + ".out"
        _ = try await gpg(options + ["--armor", "--output", output, "--local-user", key, command, file.string])
        return try read(FilePath(output))
    }

    /// A whole signed file.
    package func signedFile(_ kind: SignedFile.Kind, _ document: some Document, by key: String) async throws -> [UInt8]
    {
        let payload = try document.canonicalBytes()
        let signature = try await sign(SignedFile.signedBytes(kind: kind, payload: payload), by: key)
        return SignedFile(payload: payload, signatures: signature).bytes
    }

    /// Ends gpg's helpers of this directory.
    package func close() async { _ = try? await runProgram("gpgconf", ["--homedir", home.string, "--kill", "all"]) }

    /// Signs while `body` runs.
    package func using<Result>(_ body: (Forger) async throws -> Result) async throws -> Result {
        do {
            let result = try await body(self)
            await close()
            return result
        } catch {
            await close()
            throw error
        }
    }
}

extension Site {
    /// What the pointer of the tree says.
    package func readPointer() throws -> Pointer {
        let file = try SignedFile(reading: try read(pointer), kind: .pointer, subject: "pointer")
        return try Pointer(verified: file.payload, subject: "pointer")
    }

    /// Puts another pointer into the tree, properly signed.
    package func replacePointer(_ change: (inout Pointer) -> Void) async throws {
        var pointer = try readPointer()
        change(&pointer)
        let new = pointer
        let bytes = try await Forger(self).using { forger in
            try await forger.signedFile(.pointer, new, by: try await forger.fingerprint("(freshness)"))
        }
        try write(bytes, to: self.pointer)
    }
}
