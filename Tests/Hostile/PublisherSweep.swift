// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Runs a publisher's command again and again on copies of one tree, each time with another fault, and looks at the tree
/// after it, and after the next run without a fault.
struct PublisherSweep: Sendable {
    /// The tree before.
    let site: Site
    /// The command, without tree and keys.
    let words: [String]
    /// How many builds a check counts before and after the command.
    let builds: (before: Int, after: Int)
    /// What the command says when there is nothing left to do, if it is an error.
    var refusal: String?
    /// What must hold at the end, beside a right tree.
    var final: @Sendable (FilePath) async throws -> Void = { _ in }

    private static let wanted = ProcessInfo.processInfo.environment["ROOTCELLAR_FAULTS"] ?? "4"
    private static let workers = 3

    private actor Queue {
        var runs = 0
        var failed = 0
        private var remaining: [Fault]

        init(_ faults: [Fault]) { remaining = faults.reversed() }

        func next() -> Fault? { remaining.popLast() }

        func count(_ didFail: Bool) {
            runs += 1
            if didFail { failed += 1 }
        }
    }

    /// Everything that one worker has for itself.
    private struct Place: Sendable {
        var top: FilePath
        var site: Site
        var words: [String]
        var tree: FilePath { top.appending("tree") }
        var command: [String] { words + ["--repo", tree.string, "--keys", top.appending("keys").string] }

        /// The tree as it was before, and the keys, which remember what they have signed.
        func reset() async throws {
            try await Programs.shell(
                "rm -rf \"$1/tree\" \"$1/keys\"; cp -a \"$2/tree\" \"$2/keys\" \"$1\"",
                top.string,
                site.top.string
            )
        }

        func check() async throws -> ProgramResult {
            try await Programs.rootcellar(
                "repo",
                "check",
                "--repo",
                tree.string,
                "--fingerprint",
                site.fingerprint,
                "--json"
            )
        }
    }

    /// Tries faults of these kinds.
    func run(_ kinds: [Fault.Kind], _ what: String, _ isWanted: (Fault) -> Bool) async throws {
        var random = SeededGenerator()
        var places: [Place] = []
        for worker in 1...Self.workers {
            let top = ScratchDirectory.path.appending("w\(worker)")
            try makeDirectory(top)
            try await Programs.shell("cp -a \"$1/keys\" \"$2/keys\"", site.top.string, top.string)
            places.append(Place(top: top, site: site, words: words))
        }
        var faults = try await rig(places[0]).faults(kinds).filter(isWanted)
        if let only = ProcessInfo.processInfo.environment["ROOTCELLAR_FAULT"] {
            faults = faults.filter { $0.description == only }
        } else if Self.wanted != "all" {
            faults = Array(faults.shuffled(using: &random).prefix((Int(Self.wanted) ?? 4) * kinds.count))
        }
        let queue = Queue(faults)
        let seed = random.seed
        try await withThrowingTaskGroup(of: Void.self) { group in
            for place in places {
                group.addTask {
                    while let fault = await queue.next() {
                        await queue.count(try await attempt(fault, place, "\(fault), seed \(seed)"))
                    }
                }
            }
            try await group.waitForAll()
        }
        let (runs, failed) = (await queue.runs, await queue.failed)
        #expect(runs == faults.count)
        // A few may all have hit calls whose failure does not matter.
        #expect(failed > 0 || faults.count < 40)
        if let log = ProcessInfo.processInfo.environment["ROOTCELLAR_FAULT_LOG"] {
            try write("\(what): \(runs) faults, \(failed) of them ended the run\n".utf8, to: FilePath("\(log).\(what)"))
        }
    }

    /// Counts the system calls of the command.
    private func rig(_ place: Place) async throws -> FaultRig {
        let traces = ScratchDirectory.path.appending("traces")
        try makeDirectory(traces)
        let own = ScratchDirectory.path.appending("own")
        for (options, output) in [("-f -ff", traces.appending("t").string), ("", own.string)] {
            try await place.reset()
            let script = "exec strace \(options) -qqq -o \(output) -e trace=\(FaultRig.traced) \"$@\""
            try await run(place, script).succeeded()
        }
        return try FaultRig(traces: traces, own: own)
    }

    private func run(_ place: Place, _ script: String) async throws -> ProgramResult {
        let program = Programs.directory.appending("rootcellar").string
        return try await runProgram("sh", ["-euc", script, "sh", program] + place.command)
    }

    /// One run with a fault, and one without after it.
    ///
    /// - Returns: whether the fault ended the first.
    private func attempt(_ fault: Fault, _ place: Place, _ comment: String) async throws -> Bool {
        try await place.reset()
        let start = ContinuousClock.now
        let result = try await run(place, fault.script)
        let comment = Comment(rawValue: "\(comment): \(result.status) \(result.errors)")
        #expect(ContinuousClock.now - start < .seconds(100), comment)
        if fault.kind != .kill, result.status != 0, result.status != 127, fault.call != "write" {
            #expect(result.errorLine != nil && result.status != 70, comment)
        }
        let between = try await place.check()
        #expect(between.status == 0, "\(comment): \(between.errors)")
        let found = between.output.contains("\"builds\" : \(builds.after),") ? builds.after : builds.before
        #expect(between.output.contains("\"builds\" : \(found),"), "\(comment): \(between.output)")
        if result.status == 0 { #expect(found == builds.after, comment) }

        let again = try await run(place, "exec \"$@\"")
        // The pointer of the first may have been in place already.
        let isThere = again.status == 20 && refusal.map(again.errors.contains) == true
        #expect(again.status == 0 || (isThere && found == builds.after), "\(comment): \(again.errors)")
        let check = try await place.check()
        #expect(check.status == 0, "\(comment): \(check.errors)")
        #expect(check.output.contains("\"builds\" : \(builds.after),"), "\(comment): \(check.output)")
        let flat = check.output.replacing(/\s/, with: "")
        #expect(flat.contains("\"leftovers\":[]") && flat.contains("\"pagesAreCurrent\":true"), "\(comment): \(flat)")
        #expect(try await Site.hiddenFiles(place.tree) == "./lock\n", comment)
        try await final(place.tree)
        return result.status != 0
    }
}
