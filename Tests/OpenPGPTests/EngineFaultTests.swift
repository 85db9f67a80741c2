// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import OpenPGP

@Suite("An engine that does not do its work", .scratchDirectory)
struct EngineFaultTests {
    private func program(_ script: String) throws -> FilePath {
        let path = ScratchDirectory.path.appending("fake-gpg")
        try write(Array("#!/bin/sh\n\(script)\n".utf8), to: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path.string)
        return path
    }

    private func attempt(_ program: FilePath) async throws -> (fault: RootcellarError?, took: Duration) {
        let gpg = try GnuPG()
        let key = try await gpg.makeKey("Publisher")
        let block = try await gpg.publicKey(key)
        let message = Array("list\n".utf8)
        let signature = try await gpg.sign(message, by: key.hex)
        try await gpg.stop()
        let homes = ScratchDirectory.path.appending("homes")
        try FileManager.default.createDirectory(atPath: homes.string, withIntermediateDirectories: false)
        var fault: RootcellarError?
        let took = ContinuousClock().measure {
            fault = failure {
                let verifier = try Verifier(
                    publicKeys: [block],
                    expecting: [key],
                    program: program,
                    directory: homes
                )
                _ = try verifier.verify(
                    message,
                    signatures: signature,
                    by: [key],
                    threshold: 1,
                    now: clock,
                    subject: "list"
                )
            }
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: homes.string) == [])
        #expect(EngineProcesses.ids(naming: homes) == [])
        return (fault, took)
    }

    @Test("because it is missing, is named")
    func missing() async throws {
        let (fault, took) = try await attempt(ScratchDirectory.path.appending("nothing"))
        #expect(fault?.errorClass == .signature)
        #expect(fault?.hint?.contains("gnupg") == true)
        #expect(took < .seconds(2))
    }

    // Eight seconds, and some for a busy machine.
    @Test("because it hangs, is ended in time", arguments: ["--version", "--verify"])
    func hangs(_ at: String) async throws {
        let script = """
            case "$*" in *\(at)*) sleep 1000; exit 1;; esac
            exec gpg "$@"
            """
        let (fault, took) = try await attempt(try program(script))
        #expect(fault?.errorClass == .signature)
        #expect(fault?.hint != nil)
        #expect(took < .seconds(15))
    }

    @Test("because it is killed, is no success", arguments: ["--version", "--verify"])
    func killed(_ at: String) async throws {
        let script = """
            case "$*" in *\(at)*) kill -9 $$;; esac
            exec gpg "$@"
            """
        let (fault, took) = try await attempt(try program(script))
        #expect(fault?.errorClass == .signature)
        #expect(took < .seconds(15))
    }

    @Test("because it says nothing and succeeds, is no success")
    func silent() async throws {
        let (fault, _) = try await attempt(
            try program("case \"$*\" in *--version*) exec gpg --version;; esac; cat >/dev/null; exit 0")
        )
        #expect(fault?.errorClass == .signature)
    }

    @Test("because it is too old, is named")
    func old() async throws {
        let (fault, _) = try await attempt(try program("echo 'gpg (GnuPG) 1.4.23'"))
        #expect(fault?.errorClass == .signature)
        #expect(fault?.reason.contains("older") == true)
    }

    @Test("is not the installed one: versions are found")
    func versions() throws {
        let versions = try OpenPGPEngine.versions()
        #expect(OpenPGPEngine.isVersion(versions.library, atLeast: OpenPGPEngine.minimumLibrary))
        #expect(OpenPGPEngine.isVersion(versions.program, atLeast: "2.2"))
        #expect(OpenPGPEngine.isVersion("2.10.0", atLeast: "2.9.1"))
        #expect(!OpenPGPEngine.isVersion("1.4.23", atLeast: "2.2.0"))
    }

    @Test("leaves a directory behind when its user is killed: the next sweep takes it, and no living one")
    func sweep() throws {
        let place = ScratchDirectory.path
        let alive = try PrivateDirectory(below: place)
        let dead = place.appending("rootcellar-pgp-dead")
        try FileManager.default.createDirectory(atPath: dead.string, withIntermediateDirectories: false)
        let outside = place.appending("outside")
        try FileManager.default.createDirectory(atPath: outside.string, withIntermediateDirectories: false)
        try write([1], to: outside.appending("kept"))
        try FileManager.default.createSymbolicLink(
            atPath: dead.appending("link").string,
            withDestinationPath: outside.string
        )
        PrivateDirectory.sweep(place)
        let left = try FileManager.default.contentsOfDirectory(atPath: place.string).sorted()
        #expect(left == [alive.path.lastComponent?.string, "outside"].compactMap(\.self).sorted())
        #expect(try read(outside.appending("kept")) == [1])
    }
}
