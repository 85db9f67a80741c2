// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Kills of a build at random moments. `ROOTCELLAR_KILLS` says how many; a soak takes 200 of a build with every step, and
/// some of Debian itself.
@Suite("SIGKILL at any moment of a build", .scratchDirectory, .serialized)
struct BuildInterruptionTests {
    /// What is built and killed, and whether the cache is taken away before every second kill.
    enum Build: String, Sendable, CaseIterable {
        /// Unpacked from a tar; nothing of it is kept.
        case unpacked
        /// Bootstrapped from an archive of packages that needs no network, with all that follows.
        case bootstrapped
        /// Debian, from its own archive.
        case debian

        static var wanted: [Build] { RandomKills.isLong ? allCases : [.bootstrapped] }

        var count: Int {
            switch self {
            case .unpacked: RandomKills.count / 5
            case .bootstrapped: RandomKills.isLong ? RandomKills.count * 2 : RandomKills.count * 2 / 3
            case .debian: RandomKills.count / 10
            }
        }

        /// The definition, below the test's scratch directory.
        func definition() async throws -> FilePath {
            let body = """
                \(SmallSystem.forLXC)
                \(Self.actions)
                \(SmallSystem.noPackages)
                """
            switch self {
            case .debian: return try MinimalDebian.definition()
            case .unpacked:
                return try await SmallSystem.make(
                    more: "mkdir many; for n in $(seq 400); do head -c 4000 /dev/urandom >many/$n; done"
                ).definition(body)
            case .bootstrapped:
                let archive = try await Forger(strangerIn: "g").using {
                    try await PackageArchive.make(in: ScratchDirectory.path.appending("archive"), $0)
                }
                return try SmallSystem.writeDefinition(
                    """
                    \(body)
                      sets:
                      - packages: [\(PackageArchive.extra)]
                        action: install
                        early: true
                    """,
                    source: archive.source(url: "copy://\(archive.directory)", key: archive.key)
                )
            }
        }

        private static let actions = """
            mappings:
              architecture_map: debian
            actions:
            - trigger: post-packages
              action: |-
                #!/bin/sh
                # Daemons of both kinds: one keeps the terminal's output, one has closed everything.
                (while :; do sleep 1; done) &
                (while :; do sleep 1; done) <&- >&- 2>&- &
                touch /etc/begun
                sleep 0.3
            - trigger: post-files
              action: |-
                #!/bin/sh
                echo done >>/etc/begun
            files:
            - generator: hostname
              path: /etc/hostname
            - generator: template
              name: note
              path: /etc/note
              content: "{{ container.name }}"
            """
    }

    @Test(
        "leaves no process, no mount, no file, and the next build has the same bytes",
        .timeLimit(.minutes(60)),
        arguments: Build.wanted
    )
    func kills(_ build: Build) async throws {
        try await kill(build.count, try await build.definition(), losesCache: build != .unpacked)
    }

    /// Builds once, then kills and builds in turn, root and rootless, in one directory with one cache.
    private func kill(_ count: Int, _ definition: FilePath, losesCache: Bool) async throws {
        var random = SeededGenerator()
        let place = ScratchDirectory.path.appending("place")
        let cache = ScratchDirectory.path.appending("cache")
        let image = place.appending("image")
        try makeDirectory(place)
        func arguments(_ number: Int) -> [String] {
            ["build", definition.string, "--output", image.string, "--cache", cache.string, "--force"]
                + ["-o", "image.serial=20260102_0304"]
                + (number.isMultiple(of: 2) ? [] : ["--rootless"])
        }
        let program = Programs.directory.appending("rootcellar").string
        let start = ContinuousClock.now
        try await runProgram(program, arguments(0)).succeeded()
        var duration = ContinuousClock.now - start
        let expected = try await Self.hashes(image)
        var killed = 0
        var number = 0
        // A build with kept packages may be over before the moment comes, which says nothing of kills.
        while number < count || (killed == 0 && number < count + 8) {
            number += 1
            removeTree(image)
            if losesCache, number.isMultiple(of: 2) { removeTree(cache) }
            let delay = RandomKills.moment(within: duration, &random)
            let victimStart = ContinuousClock.now
            let victim = try await runProgram(
                "timeout",
                ["--foreground", "-s", "KILL", delay, program] + arguments(number)
            )
            let moment = Comment(rawValue: "killed after \(delay) s, seed \(random.seed)")
            #expect([0, 124, 137].contains(victim.status), "\(moment): \(victim.errors)")
            if victim.status == 137 { killed += 1 } else { duration = ContinuousClock.now - victimStart }
            try await expectNobody(below: ScratchDirectory.path, moment)
            let left = try directoryNames(place).filter { $0 != "image/" && !$0.hasPrefix(".rootcellar-build-") }
            #expect(left == [], moment)

            let begin = ContinuousClock.now
            let next = try await runProgram(program, arguments(number + number / 2))
            if !losesCache { duration = ContinuousClock.now - begin }
            #expect(next.status == 0, "\(moment): \(next.errors)")
            #expect(try await Self.hashes(image) == expected, moment)
            #expect(try directoryNames(place) == ["image/"], moment)
            #expect(try directoryNames(cache.appending("tmp")) == [], moment)
            try await expectNobody(below: ScratchDirectory.path, moment)
        }
        #expect(killed > 0)
        let verified = try await Programs.rootcellar("build-cache", "verify", "--cache", cache.string)
        #expect(verified.status == 0, "\(verified.output)\(verified.errors)")
    }

    /// The hashes of everything in an image that does not tell of the run itself.
    private static func hashes(_ image: FilePath) async throws -> String {
        try await Programs.shell("cd \"$1\"; sha256sum rootfs.* *.tar.xz sbom.spdx.json image.yaml", image.string)
    }

    /// Expects that soon no process sees a mount below a directory, this one included: whatever a build starts, and
    /// whatever that starts, is in a mount namespace that has some.
    private func expectNobody(below directory: FilePath, _ comment: Comment) async throws {
        var found: [String] = []
        for _ in 0..<200 {
            found = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
                guard Int(name) != nil, let mounts = try? text(FilePath("/proc/\(name)/mountinfo")) else {
                    return false
                }
                return mounts.contains(directory.string)
            }
            if found.isEmpty { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        let names = found.map { (try? text(FilePath("/proc/\($0)/comm"))) ?? $0 }
        #expect(names == [], comment)
    }
}
