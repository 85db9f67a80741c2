// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import OpenPGP

/// Where a verifier works, and how many at once.
extension VerifierTests {
    @Test("works in a home with a path of more than 100 characters")
    func longPath() async throws {
        try await withKey { gpg, key, block in
            let long = ScratchDirectory.path.appending(String(repeating: "x", count: 120))
            try FileManager.default.createDirectory(atPath: long.string, withIntermediateDirectories: false)
            let verifier = try Verifier(publicKeys: [block], expecting: [key], program: nil, directory: long)
            let signature = try await gpg.sign(message, by: key.hex)
            let accepted = try verifier.verify(
                message,
                signatures: signature,
                by: [key],
                threshold: 1,
                now: clock,
                subject: "list"
            )
            #expect(accepted.count == 1)
        }
    }

    @Test("gives the right answer twenty times at once, and leaves no directory, process or agent")
    func parallel() async throws {
        try await withKey { gpg, key, block in
            let good = try await gpg.sign(message, by: key.hex)
            let place = ScratchDirectory.path.appending("homes")
            try FileManager.default.createDirectory(atPath: place.string, withIntermediateDirectories: false)
            let results = Results()
            let message = message
            onThreads(20) { number in
                do {
                    let verifier = try Verifier(publicKeys: [block], expecting: [key], program: nil, directory: place)
                    _ = try verifier.verify(
                        number.isMultiple(of: 2) ? message : message + [0],
                        signatures: good,
                        by: [key],
                        threshold: 1,
                        now: clock,
                        subject: "list"
                    )
                    results.set(number, "accepted")
                } catch {
                    results.set(number, (error as? RootcellarError)?.errorClass.rawValue ?? "?")
                }
            }
            for number in 0..<20 {
                #expect(results.get(number) == (number.isMultiple(of: 2) ? "accepted" : "SIGNATURE"))
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: place.string) == [])
            #expect(EngineProcesses.ids(naming: place) == [])
        }
    }
}
