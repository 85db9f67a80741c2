// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Runs `rootcellar test`.
func testImage(_ image: FilePath, _ words: String...) async throws -> ProgramResult {
    try await runProgram(Programs.directory.appending("rootcellar").string, ["test", image.string] + words)
}

/// The report that a test left.
func testReport(_ image: FilePath) throws -> TestReport {
    let path = image.appending(TestReport.fileName)
    return try TestReport(verified: try read(path), subject: path.string)
}

@Suite("Testing an image", .scratchDirectory, .serialized)
struct ImageTestTests {
    private func outcome(_ report: TestReport, _ trial: String, _ check: String) -> TestReport.Check? {
        report.trials.first { $0.name == trial }?.checks.first { $0.name == check }
    }

    @Test("boots Debian by LXC and LXD and uses it", .timeLimit(.minutes(60)), arguments: ["default", "cloud"])
    func debian(_ variant: String) async throws {
        // A copy: other tests publish the same build.
        let image = ScratchDirectory.path.appending("image")
        try await Programs.shell(
            "cp -a \"$1\" \"$2\"",
            try await DebianImage.shared.directory(variant).string,
            image.string
        )
        let result = try await testImage(image, "--json")
        let log = try text(image.appending("test.log"))
        #expect(result.status == 0, "\(result.errors)\n\(log.suffix(6000))")
        let report = try testReport(image)
        #expect(try JSONDecoder().decode(TestReport.self, from: Data(result.output.utf8)).trials == report.trials)
        for trial in ["lxc", "lxc-unprivileged", "lxd"] {
            #expect(report.outcomes[trial] == .passed)
            #expect(outcome(report, trial, "boot")?.detail == "systemd says running")
            #expect(outcome(report, trial, "packages")?.detail?.contains("apt-get installed and removed") == true)
            #expect(outcome(report, trial, "user-data")?.outcome == (variant == "cloud" ? .passed : nil))
        }
        // Whether this machine has it or not, it is said.
        #expect(report.trials.contains { $0.name == "incus" })
        let document = try ImageDocument(verified: try read(image.appending("image.json")), subject: "")
        #expect(report.isAbout(document, image: FileReference(of: try read(image.appending("image.json")))))
    }

    @Test("boots a system of busybox, and says by name what it does not have")
    func busybox() async throws {
        let image = try await BusyBoxSystem().build()
        let result = try await testImage(image)
        let log = try text(image.appending("test.log"))
        #expect(result.status == 0, "\(result.errors)\n\(log.suffix(6000))")
        let report = try testReport(image)
        for trial in ["lxc", "lxc-unprivileged", "lxd"] {
            #expect(report.outcomes[trial] == .passed)
            #expect(outcome(report, trial, "packages")?.outcome == .notRun)
        }
        // The same without a word.
        let quiet = try await testImage(image, "--only", "lxc", "--quiet")
        #expect(quiet.status == 0 && quiet.output.isEmpty && quiet.errors.isEmpty, "\(quiet.errors)")
        #expect(try testReport(image).trials.first { $0.name == "lxd" }?.reason == "not asked for")
        // What cannot be had is no success.
        let incus = try await testImage(image, "--only", "incus")
        if try testReport(image).outcomes["incus"] == .notRun {
            #expect(incus.status == 33)
            #expect(incus.errors.contains("nothing was booted"))
        }
    }

    @Test("leaves nothing when it is killed", .timeLimit(.minutes(60)))
    func killed() async throws {
        let image = try await BusyBoxSystem().build()
        let script = FilePath(#filePath).removingLastComponent().appending("Scripts/test-killed")
        let result = try await runProgram("bash", [script.string, Programs.directory.string, image.string])
        #expect(result.status == 0, "\(result.output.suffix(4000))\n\(result.errors.suffix(4000))")
    }

    @Test("is needed to publish, of just these files, and blocks nothing but what failed it")
    func gate() async throws {
        let site = try await Site()
        func publish(_ images: FilePath..., words: [String] = []) async throws -> ProgramResult {
            try await runProgram(
                Programs.directory.appending("rootcellar").string,
                ["publish"] + images.map(\.string) + ["--repo", site.tree.string, "--keys", site.keys.string]
                    + ["--no-deltas"] + words
            )
        }
        let good = try await BusyBoxSystem().build("good")
        let untested = try await publish(good)
        #expect(untested.status == 20 && untested.errorLine?.contains("no test result") == true, "\(untested.errors)")
        try await testImage(good, "--only", "lxc").succeeded()

        // One that never was, whose last build is published; and one that failed.
        var sound = SoundImage(age: 7200)
        try await publish(try await sound.write(to: site.top.appending("old")), words: ["--untested"]).succeeded()
        sound = SoundImage()
        sound.metadata("config", nil)
        let red = try await sound.write(to: site.top.appending("red"))
        let failed = try await testImage(red)
        #expect(
            failed.status == 33 && failed.errors.contains("rootcellar: TEST: contract: metadata for LXC:"),
            "\(failed.errors)"
        )
        let mixed = try await publish(red, good)
        #expect(mixed.status == 33, "\(mixed.errors)")
        #expect(mixed.errorLine?.contains("1 of 2 images not published") == true, "\(mixed.errors)")
        #expect(
            mixed.output.contains("small/one/amd64/default") && mixed.output.contains(", tested"),
            "\(mixed.output)"
        )
        try await site.check().succeeded()
        let files = try await site.files()
        #expect(files.filter { $0.hasPrefix("images/example/") && $0.hasSuffix("/image.json") }.count == 1)
        let published = try #require(files.first { $0.hasPrefix("images/small/") && $0.hasSuffix("/test.json") })
        #expect(files.contains { $0.hasPrefix("images/small/") && $0.hasSuffix("/test.log") })
        let document = try text(site.tree.appending(published.replacing("test.json", with: "image.json")))
        #expect(document.contains("\"tests\":{\"contract\":\"passed\""))
        // Alone it is refused with its own word.
        let alone = try await publish(red)
        #expect(alone.status == 33 && alone.errorLine?.contains("did not pass its tests") == true, "\(alone.errors)")
        try await publish(red, words: ["--untested"]).succeeded()

        // A result of other files than these.
        let next = try await BusyBoxSystem(change: "echo other >etc/other\n").build("next")
        try await Programs.shell("cp \"$1\"/test.* \"$2\"", good.string, next.string)
        let foreign = try await publish(next)
        #expect(foreign.status == 20 && foreign.errorLine?.contains("of other files") == true, "\(foreign.errors)")
        try write(Array("{}".utf8), to: next.appending("test.json"))
        #expect(try await publish(next).status == 20)
        // The index may not call tested what was not.
        try write(try read(site.tree.appending(published)) + [0x0A], to: site.tree.appending(published))
        #expect(try await site.check().status == 15)
    }
}
