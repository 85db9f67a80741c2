// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Kills at random moments. `ROOTCELLAR_KILLS` says how many; a soak takes 100 and more.
@Suite("SIGKILL at any moment", .scratchDirectory, .serialized)
struct InterruptionTests {
    @Test("94: of a publisher leaves a tree that is right, and the next publisher leaves no trace of it")
    func publish() async throws {
        var random = SeededGenerator()
        let site = try await Site()
        var duration = Duration.zero
        var killed = 0
        var scratch: Set<String> = []
        for number in 0...RandomKills.count {
            var image = SyntheticImage()
            image.age = Int64(RandomKills.count + 2 - number) * 60
            image.bulk = 300
            let directory = site.top.appending("image-\(number)")
            try await image.write(to: directory)
            if number == 0 {
                duration = try await ContinuousClock().measure { try await site.publish(directory).succeeded() }
                continue
            }
            let delay = RandomKills.moment(within: duration, &random)
            let begin = ContinuousClock.now
            let program = Programs.directory.appending("rootcellar").string
            let result = try await runProgram(
                "timeout",
                ["--foreground", "-s", "KILL", delay, program] + site.publication([directory])
            )
            if result.status == 137 {
                killed += 1
            } else {
                // Other tests come and go, and with them the time that it takes.
                duration = ContinuousClock.now - begin
            }
            let place = Comment(rawValue: "killed after \(delay) s, seed \(random.seed)")
            // timeout(1) says 124 where the program ended by itself in the moment it was to be killed.
            #expect([0, 124, 137].contains(result.status), "\(place): \(result.errors)")
            scratch.formUnion(try Self.engineDirectories())
            let between = try await site.check()
            #expect(between.status == 0, "\(place): \(between.errors)")

            let start = ContinuousClock.now
            let again = try await site.publish(directory)
            if again.status == 0 { duration = ContinuousClock.now - start }
            // A publisher that was killed after the pointer had published all the same.
            let isThere = again.status == 20 && again.errors.contains("is published")
            #expect(again.status == 0 || isThere, "\(place): \(again.errors)")
            let check = try await site.check()
            #expect(check.status == 0, "\(place): \(check.errors)")
            #expect(check.output.contains("\"builds\" : \(number + 1),"), place)
            #expect(check.output.replacing(/\s/, with: "").contains("\"leftovers\":[]"), "\(place): \(check.output)")
            #expect(try await Site.hiddenFiles(site.tree) == "./lock\n", place)
            removeTree(directory)
            removeTree(FilePath(directory.string + ".tree"))
        }
        #expect(killed > 0)
        try await Self.expectGone(scratch)
    }

    @Test("94: of a creation leaves a cache that is right, and the next creation leaves no trace of it")
    func download() async throws {
        var random = SeededGenerator()
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            host.emptyCache()
            var start = ContinuousClock.now
            let good = try await host.download(server)
            var duration = ContinuousClock.now - start
            let expected = try await good.snapshot()
            var killed = 0
            var scratch: Set<String> = []
            for number in 0..<RandomKills.count {
                if number % 4 != 3 { host.emptyCache() }
                let delay = RandomKills.moment(within: duration, &random)
                let script = "exec timeout --foreground -s KILL \(delay) \"$@\""
                let victim = try await host.download(server, script: script)
                if victim.result.status == 137 { killed += 1 }
                let place = Comment(rawValue: "killed after \(delay) s, seed \(random.seed)")
                #expect([0, 124, 137].contains(victim.result.status), "\(place): \(victim.result.errors)")
                // lxc-create takes the container away; until then its configuration is the old or the new one.
                #expect([Creation.before, try text(good.config)].contains(try text(victim.config)), place)
                scratch.formUnion(try Self.engineDirectories())
                victim.remove()

                start = ContinuousClock.now
                let next = try await host.download(server)
                // Other tests come and go, and with them the time that it takes.
                duration = max(duration / 2, ContinuousClock.now - start)
                #expect(next.result.status == 0, "\(place): \(next.result.errors)")
                #expect(try await next.snapshot().differences(from: expected) == [], place)
                #expect(try await host.strangeCacheFiles() == [], place)
                next.remove()
            }
            #expect(killed > 0)
            try await Self.expectGone(scratch)
        }
    }

    /// Private directories of signature checks that are there now and that no living process holds.
    private static func engineDirectories() throws -> Set<String> {
        let locks = try text("/proc/locks")
        let names = try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter {
            $0.hasPrefix("rootcellar-pgp-")
        }
        return Set(
            names.filter { name in
                let attributes = try? FileManager.default.attributesOfItem(atPath: "/tmp/\(name)")
                guard let inode = attributes?[.systemFileNumber] as? UInt64 else { return false }
                return !locks.contains(":\(inode) ")
            }
        )
    }

    /// Expects that none of these directories stays: the next process sweeps away those of killed ones.
    private static func expectGone(_ directories: Set<String>) async throws {
        var left = directories
        for _ in 0..<100 where !left.isEmpty {
            left.formIntersection(try engineDirectories())
            try await Task.sleep(for: .milliseconds(100))
        }
        #expect(left.isEmpty)
    }
}
