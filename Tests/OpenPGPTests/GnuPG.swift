// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport

#if canImport(Glibc)
import Glibc
#endif

/// A GnuPG home of a test, driven by the real gpg, that makes good and bad inputs.
struct GnuPG: Sendable {
    let home: FilePath

    /// A new home below the test's scratch directory.
    init(_ name: String = "g") throws {
        home = ScratchDirectory.path.appending(name)
        try FileManager.default.createDirectory(
            atPath: home.string,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
    }

    /// Runs gpg; its standard output as text.
    @discardableResult
    func run(_ arguments: String..., input: String = "") async throws -> String {
        let all = ["--homedir", home.string, "--batch", "--yes", "--quiet", "--passphrase", ""] + arguments
        let result = try await runProgram("gpg", all, input: input)
        guard result.status == 0 else { throw ToolFailure(text: "gpg \(arguments): \(result.errors)") }
        return result.output
    }

    /// Makes an Ed25519 key; `time` as gpg's --faked-system-time takes it.
    func makeKey(
        _ userID: String,
        algorithm: String = "ed25519",
        usage: String = "sign,cert",
        expires: String = "never",
        time: String? = nil
    ) async throws -> Fingerprint {
        let status = try await runProgram(
            "gpg",
            ["--homedir", home.string, "--batch", "--quiet", "--status-fd", "1", "--passphrase", ""]
                + (time.map { ["--faked-system-time", $0] } ?? [])
                + ["--quick-gen-key", "--", userID, algorithm, usage, expires]
        )
        guard let line = status.output.split(separator: "\n").first(where: { $0.contains("KEY_CREATED") }),
            let hex = line.split(separator: " ").last
        else { throw ToolFailure(text: "no key: \(status.errors)") }
        return try Fingerprint(String(hex))
    }

    func publicKey(_ key: Fingerprint) async throws -> [UInt8] {
        Array(try await run("--armor", "--export", key.hex).utf8)
    }

    /// A detached signature over `message`, armored.
    func sign(_ message: [UInt8], by key: String, _ options: String...) async throws -> [UInt8] {
        let file = home.appending("message-\(UInt32.random(in: 0 ... .max))")
        try write(message, to: file)
        let arguments =
            ["--homedir", home.string, "--batch", "--yes", "--quiet", "--armor", "--output", file.string + ".asc"]
            + options + ["--local-user", key, "--detach-sign", file.string]
        let result = try await runProgram("gpg", arguments)
        guard result.status == 0 else { throw ToolFailure(text: "gpg: \(result.errors)") }
        return try read(FilePath(file.string + ".asc"))
    }

    func stop() async throws { _ = try await runProgram("gpgconf", ["--homedir", home.string, "--kill", "all"]) }
}

struct ToolFailure: Error, CustomStringConvertible {
    var text: String
    var description: String { text }
}

func read(_ path: FilePath) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path.string))) }

func write(_ bytes: [UInt8], to path: FilePath) throws { try Data(bytes).write(to: URL(filePath: path.string)) }

/// The local clock.
var clock: Timestamp { Timestamp(seconds: Int64(time(nil))) }

/// The class of the error that `body` throws; nil if it throws none of ours.
func failure(_ body: () throws -> Void) -> RootcellarError? {
    do { try body() } catch { return error as? RootcellarError }
    return nil
}

/// Armor as anybody may write it, without a checksum.
func armored(_ bytes: [UInt8], as label: String = "PGP SIGNATURE") -> [UInt8] {
    Array("-----BEGIN \(label)-----\n\n\(Data(bytes).base64EncodedString())\n-----END \(label)-----\n".utf8)
}
