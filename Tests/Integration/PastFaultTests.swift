// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("Faults of the past", .scratchDirectory)
struct PastFaultTests {
    @Test("are stopped before they are published", arguments: PastFault.all)
    func stopped(_ fault: PastFault) async throws {
        let result = try await fault.run()
        #expect(result.status == fault.status, "\(fault.what): \(result.status): \(result.output) \(result.errors)")
        #expect(result.errors.contains(fault.saying), "\(fault.what): \(result.errors)")
        #expect(
            result.errors.split(separator: "\n").count {
                $0.hasPrefix("rootcellar: ") && !$0.hasPrefix("rootcellar: warning")
            } == 1,
            "\(result.errors)"
        )
    }

    @Test(
        "are kept out by the commands of the operating manual, which do what it says; so do those of the other",
        .timeLimit(.minutes(60)),
        arguments: ["operating.md", "http-api.md"]
    )
    func manual(_ name: String) async throws {
        let image = try await BusyBoxSystem().build()
        let script = FilePath(#filePath).removingLastComponent().appending("Scripts/operating")
        let result = try await runProgram("bash", [script.string, Programs.directory.string, image.string, name])
        #expect(result.status == 0, "\(result.output.suffix(4000))\n\(result.errors.suffix(4000))")
    }

    @Test("are listed with what stops them")
    func list() throws {
        let package = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        let lines = Set(try text(package.appending("docs/operating.md")).split(separator: "\n").map(String.init))
        for fault in PastFault.all {
            let gate = fault.gate == .boot ? "test" : fault.gate == .check ? "repo check" : fault.gate.rawValue
            #expect(lines.contains("| \(fault.what) | `\(gate)`, \(fault.status) |"), "\(fault.what)")
        }
        #expect(Set(PastFault.all.map(\.what)).count == PastFault.all.count)
        #expect(PastFault.all.count >= 38)
    }
}
