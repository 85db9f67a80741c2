// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// One system call after the other goes wrong. `ROOTCELLAR_FAULTS` says how many faults of each kind are tried, chosen
/// by the seed; `all` takes every one, which lasts long.
@Suite("A fault at any system call", .scratchDirectory, .serialized)
struct FaultSweepTests {
    private static let wanted = ProcessInfo.processInfo.environment["ROOTCELLAR_FAULTS"] ?? "12"
    private static let workers = 3

    @Test("94: SIGKILL at any system call of a creation -> the cache is good, the next creation leaves no trace of it")
    func kill() async throws { try await sweep([.kill], "kill") }

    @Test(
        "95: no space, input/output errors, no descriptors at any system call of a creation -> unchanged, right class"
    )
    func errors() async throws {
        try await sweep([.error("ENOSPC"), .error("EIO"), .error("EMFILE")], "errors")
    }

    /// What a creation makes.
    private struct Good {
        var tree: Snapshot
        var config: String
    }

    /// What was seen, for the figures.
    private actor Tally {
        var runs = 0
        var failed = 0
        var remaining: [Fault]

        init(_ faults: [Fault]) { remaining = faults.reversed() }

        func next() -> Fault? { remaining.popLast() }

        func count(_ didFail: Bool) {
            runs += 1
            if didFail { failed += 1 }
        }
    }

    private func sweep(_ kinds: [Fault.Kind], _ what: String) async throws {
        var random = SeededGenerator()
        var image = SyntheticImage()
        image.bulk = 1200
        let site = try await Site.publishing(image)
        let seed = random.seed
        let all = Self.wanted == "all"
        var faults: [Fault] = []
        var tally = Tally([])
        try await PublishedServer.run(site) { server in
            let first = try ClientHost("first")
            try await first.trust(server, site)
            let reference = try await first.download(server)
            try reference.result.succeeded()
            let expected = Good(tree: try await reference.snapshot(), config: try text(reference.config))
            faults = try await rig(first, server).faults(kinds)
            // To see one again.
            if let only = ProcessInfo.processInfo.environment["ROOTCELLAR_FAULT"] {
                faults = faults.filter { $0.description == only }
            } else if !all {
                faults = Array(faults.shuffled(using: &random).prefix((Int(Self.wanted) ?? 12) * kinds.count))
            }
            let queue = Tally(faults)
            tally = queue
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 1...Self.workers {
                    group.addTask {
                        let host = try ClientHost("host-\(worker)")
                        try await host.trust(server, site)
                        while let fault = await queue.next() {
                            let comment = "\(fault), seed \(seed)"
                            await queue.count(try await attempt(fault, host, server, expected, comment))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let (runs, failed) = (await tally.runs, await tally.failed)
        #expect(runs == faults.count)
        #expect(failed > 0 || faults.count < 10)
        if let log = ProcessInfo.processInfo.environment["ROOTCELLAR_FAULT_LOG"] {
            try write("\(what): \(runs) faults, \(failed) of them ended the run\n".utf8, to: FilePath("\(log).\(what)"))
        }
    }

    /// Counts the system calls of a creation into an empty cache.
    private func rig(_ host: ClientHost, _ server: PublishedServer) async throws -> FaultRig {
        let traces = ScratchDirectory.path.appending("traces")
        try makeDirectory(traces)
        let own = ScratchDirectory.path.appending("own")
        for (options, output) in [("-f -ff", traces.appending("t").string), ("", own.string)] {
            removeTree(host.cache)
            let script = "exec strace \(options) -qqq -o \(output) -e trace=\(FaultRig.traced) \"$@\""
            try await host.download(server, script: script).result.succeeded()
        }
        return try FaultRig(traces: traces, own: own)
    }

    /// One run with a fault, and one without after it.
    ///
    /// - Returns: whether the fault ended the run.
    private func attempt(
        _ fault: Fault,
        _ host: ClientHost,
        _ server: PublishedServer,
        _ expected: Good,
        _ comment: String
    ) async throws -> Bool {
        removeTree(host.base)
        let start = ContinuousClock.now
        let victim = try await host.download(server, script: fault.script)
        let result = victim.result
        let place = Comment(rawValue: "\(comment): \(result.status) \(result.errors)")
        #expect(ContinuousClock.now - start < .seconds(100), place)
        #expect([Creation.before, expected.config].contains(try text(victim.config)), place)
        if result.status == 0 {
            let differences = try await victim.snapshot().differences(from: expected.tree)
            #expect(differences == [], place)
        } else if result.status == 137, fault.kind == .kill, !fault.everywhere || result.errors.isEmpty {
            // Killed itself. The container is lxc-create's to remove; nothing else may be half done.
        } else {
            expectClean(fault, result, place)
            #expect(try victim.isUntouched, place)
        }
        let verified = try await host.run("cache", "verify")
        #expect(verified.status == 0, "\(place): \(verified.output)\(verified.errors)")
        victim.remove()

        let next = try await host.download(server)
        #expect(next.result.status == 0, "\(place): then \(next.result.errors)")
        let differences = try await next.snapshot().differences(from: expected.tree)
        #expect(differences == [], place)
        let left = try await host.cacheFiles().filter { $0.hasPrefix("tmp/") || $0.hasPrefix("objects/partial/") }
        #expect(left == [], place)
        next.remove()
        return result.status != 0
    }

    /// A failure is one line of a class, whatever failed; where the fault hit the start of the program, before its first
    /// statement, it is the loader's word.
    private func expectClean(_ fault: Fault, _ result: ProgramResult, _ place: Comment) {
        if result.status == 127, result.errors.contains("error while loading shared libraries") { return }
        if result.status == 137, fault.kind == .kill { return }
        #expect((10...21).contains(result.status), place)
        if fault.call == "write" { return }
        #expect(result.errorLine != nil, place)
    }
}
