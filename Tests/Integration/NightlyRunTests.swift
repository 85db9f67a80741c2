// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("Nightly runs", .scratchDirectory, .serialized)
struct NightlyRunTests {
    @Test("build, test and publish what is due, go on past what fails, and say so", .timeLimit(.minutes(60)))
    func flow() async throws {
        let nightly = try await NightlySite()
        try nightly.define("broken.yaml", more: NightlySite.script("exit 3"))
        try nightly.define("red.yaml", without: "common.conf")
        try nightly.write(
            "{definition: broken.yaml, releases: [bad]}",
            "{definition: red.yaml, releases: [red]}",
            "{definition: small.yaml, releases: [good]}"
        )
        let plan = try await nightly.plan().succeeded()
        #expect(plan.output.contains("small/good/amd64/default  due  -          never built\n"), "\(plan.output)")
        let dry = try await nightly.run("--dry-run").succeeded()
        #expect(
            dry.output
                == ["bad", "red", "good"].map { "would build small/\($0)/amd64/default: never built\n" }.joined()
        )
        #expect(!exists(nightly.work))

        let first = try await nightly.run()
        #expect(first.status == 32, "\(first.errors)")
        let fault = first.errors.split(separator: "\n").last { $0.hasPrefix("rootcellar: ") }
        #expect(fault?.hasPrefix("rootcellar: BUILD: build failed: ") == true, "\(first.errors)")
        #expect(
            fault?.contains("small/bad/amd64/default (and 1 more); the whole story is in") == true,
            "\(first.errors)"
        )
        #expect(first.output.contains(#/small/good/amd64/default +published +20\d{6}_/#), "\(first.output)")
        #expect(first.output.contains(#/small/bad/amd64/default +failed +- /#), "\(first.output)")
        #expect(
            first.output.contains(#/small/red/amd64/default +failed .*test: TEST: contract: metadata for LXC/#),
            "\(first.output)"
        )
        #expect(try await nightly.builds().map { $0.split(separator: "/")[1] } == ["good"])
        let check = try await nightly.site.check().succeeded()
        #expect(check.output.contains("\"builds\" : 1,"), "\(check.output)")
        let pointer = try read(nightly.site.pointer)

        // Nothing is due but what has just failed, and that is left alone for a while; the pointer is new all the same.
        try await Task.sleep(for: .milliseconds(1100))
        let second = try await nightly.run().succeeded()
        #expect(second.errors.contains("small/bad/amd64/default: not tried: last attempt failed"), "\(second.errors)")
        #expect(second.output == "IMAGE  RESULT  SERIAL  TIME  WHY\n", "\(second.output)")
        #expect(try read(nightly.site.pointer) != pointer)

        // A definition that was mended is tried at once; and what hangs is given up.
        try nightly.define("broken.yaml", more: NightlySite.script("sleep 1000"))
        let hanging = try await nightly.run("--step-timeout", "2", "--json")
        #expect(hanging.status == 32 && hanging.output.contains("not done after 2 s"), "\(hanging.output)")
        #expect(try await nightly.hasNobodyLeft())
        try nightly.define("broken.yaml", more: "")
        try await nightly.run("--only", "*/bad").succeeded()
        #expect(try await nightly.builds().map { $0.split(separator: "/")[1] } == ["bad", "good"])
        let rest = try await nightly.plan("--format", "github", "--keys", "keys").succeeded()
        #expect(rest.output == "{\"include\":[]}\n")
        let all = try await nightly.plan("--format", "buildbot", "--all").succeeded()
        #expect(all.output.contains("\"due\":false") && !all.output.contains("publish"), "\(all.output)")
        try await unchanged(nightly)
    }

    @Test(
        "send what they have built to where the keys are, once, and build anew what was refused",
        .timeLimit(.minutes(60))
    )
    func sending() async throws {
        let nightly = try await NightlySite()
        try nightly.write("{definition: small.yaml, releases: [good]}")
        let (tokens, token, uploads) = (
            nightly.top.appending("tokens"), nightly.top.appending("token"), nightly.top.appending("uploads")
        )
        try await Programs.shell(
            "umask 077; \"$1\" token add --tokens \"$2\" --name builder --scope upload --image 'small/*' > \"$3\"",
            Programs.directory.appending("rootcellar").string,
            tokens.string,
            token.string
        )
        let contradiction = try await nightly.run("--to", "https://localhost")
        #expect(contradiction.status == 2, "\(contradiction.errors)")
        try await PublishedServer.run(nightly.site, words: ["--tokens", tokens.string, "--uploads", uploads.string]) {
            server in
            let target = ["--to", server.url, "--token-file", token.string, "--ca", server.authority.string]
            func run() async throws -> ProgramResult {
                try await runProgram(
                    Programs.directory.appending("rootcellar").string,
                    nightly.words(target: target)
                ).succeeded()
            }
            func take(_ more: String...) async throws -> ProgramResult {
                try await runProgram(
                    Programs.directory.appending("rootcellar").string,
                    [
                        "publish", "--uploads", uploads.string, "--repo", nightly.site.tree.string, "--keys",
                        nightly.site.keys.string,
                    ]
                        + more
                )
            }
            let pointer = try read(nightly.site.pointer)
            #expect(try await run().output.contains(#/small/good/amd64/default +sent +20\d{6}_/#))
            #expect(try read(nightly.site.pointer) == pointer)
            #expect(try await nightly.builds().isEmpty)
            // As long as nobody has published it, it is due; nothing is built or sent again.
            let log = nightly.work.appending("images/small/good/amd64/default/nightly.log")
            #expect(try await run().errors.contains("default: publish (never built)"))
            #expect(try text(log).contains(": 0 of ") && !(try text(log)).contains("rootcellar build"))

            // Its publisher does not want it; the next run builds another.
            try await Programs.shell("sed -i 's,\"small/\\*,\"other/*,' \"$1\"/open/*/upload.json", uploads.string)
            #expect(try await take().status == 20)
            let told = try await runProgram(
                Programs.directory.appending("rootcellar").string,
                nightly.words(target: target)
            )
            #expect(told.status == 20 && told.output.contains("the publisher has refused it"), "\(told.output)")
            try await Programs.shell("rm \"$1\"", nightly.work.appending("state.json").string)
            #expect(try await run().output.contains("sent"))
            #expect(try text(log).contains("rootcellar build"))
            try await take().succeeded()
            #expect(try await nightly.builds().count == 1)
            #expect(try await run().output == "IMAGE  RESULT  SERIAL  TIME  WHY\n")
            try await nightly.site.check().succeeded()
            let jobs = try await nightly.plan(
                "--format",
                "github",
                "--all",
                "--to",
                server.url,
                "--token-file",
                "builder token"
            ).succeeded()
            #expect(
                jobs.output.contains("rootcellar publish image --to \(server.url) --token-file 'builder token'"),
                "\(jobs.output)"
            )
            #expect(try await nightly.plan("--format", "github", "--to", server.url).status == 2)
        }
    }

    /// What has not changed is not built again, and counts as looked at.
    private func unchanged(_ nightly: NightlySite) async throws {
        let builds = try await nightly.builds()
        let words = FakeTime.words(
            ["-f", "+25h"],
            [Programs.directory.appending("rootcellar").string] + nightly.words(["--only", "small/good"])
        )
        for expected in ["unchanged", "IMAGE"] {
            let later = try await runProgram(words[0], Array(words.dropFirst()))
            #expect(later.status == 0, "\(later.errors)")
            #expect(later.output.contains(expected), "\(later.output) \(later.errors)")
            #expect(later.output.contains("unchanged") == (expected == "unchanged"), "\(later.output)")
        }
        #expect(try await nightly.builds() == builds)
    }

    @Test("refuse what cannot be done in one line")
    func refusals() async throws {
        let nightly = try await NightlySite()
        try nightly.write("{definition: small.yaml, releases: [good]}")
        #expect(try await nightly.run("--only", "other").status == 2)
        #expect(try await nightly.run("--architecture", "amd46").errors.contains("did you mean 'amd64'?"))
        #expect(try await nightly.run("--jobs", "0").status == 2)
        // Another machine's images are nobody's here, and the pointer is signed all the same.
        try await nightly.run("--architecture", "arm64").succeeded()
        let busy = try await runProgram(
            "flock",
            [nightly.work.appending("lock").string, Programs.directory.appending("rootcellar").string]
                + nightly.words()
        )
        #expect(busy.status == 20 && busy.errorLine?.contains("another nightly run") == true, "\(busy.errors)")

        try write("{\"format\":1,\"images\":".utf8, to: nightly.work.appending("state.json"))
        let damaged = try await nightly.plan().succeeded()
        #expect(damaged.errors.contains("earlier attempts are forgotten"), "\(damaged.errors)")
        try write("{\"format\":9,\"images\":{}}".utf8, to: nightly.work.appending("state.json"))
        #expect(try await nightly.plan().status == 20)
        removeTree(nightly.work.appending("state.json"))

        // A definition that is missing fails, and keeps nobody else from being looked at.
        try nightly.write("{definition: gone.yaml}", "{definition: small.yaml, releases: [good]}")
        let missing = try await nightly.plan()
        #expect(missing.status == 30 && missing.output.contains("small/good/amd64/default"), "\(missing.errors)")
        #expect(missing.errorLine?.contains("gone.yaml") == true, "\(missing.errors)")
        try nightly.write("{definition: small.yaml, shedule: x}")
        let wrong = try await nightly.run()
        #expect(wrong.status == 30, "\(wrong.errors)")
        #expect(wrong.errorLine?.contains("catalog.yaml:3:28; did you mean 'schedule'?") == true, "\(wrong.errors)")
        removeTree(nightly.site.tree)
        try nightly.write("{definition: small.yaml, releases: [good]}")
        #expect(try await nightly.plan().status == 34)
    }

    @Test(
        "that are ended leave nobody, by the signal that asked for it, and are gone on with",
        .timeLimit(.minutes(60))
    )
    func terminated() async throws {
        let nightly = try await NightlySite()
        try nightly.define("slow.yaml", more: NightlySite.script("echo begun >&2; sleep 1000"))
        try nightly.write("{definition: small.yaml, releases: [good]}", "{definition: slow.yaml, releases: [slow]}")
        // By the signal that nobody can catch as well: what the run has started must not go on without it.
        for (signal, status) in [("KILL", 137), ("TERM", 143)] {
            let result = try await end(nightly, by: signal)
            #expect(result.status == status, "\(result.errors)")
            #expect(try await nightly.hasNobodyLeft(), "\(signal)")
            try await nightly.site.check().succeeded()
            guard signal == "TERM" else { continue }
            #expect(result.output.contains(#/small/slow/amd64/default +not done/#), "\(result.output)")
            #expect(result.errors.contains("the next run goes on from here"), "\(result.errors)")
        }
        // It was nobody's fault, so nothing is waited for.
        try nightly.define("slow.yaml", more: "")
        try await nightly.run("--jobs", "2").succeeded()
        #expect(try await nightly.builds().map { $0.split(separator: "/")[1] } == ["good", "slow"])
    }

    /// Starts a run, and sends it a signal as soon as it builds what takes for ever.
    private func end(_ nightly: NightlySite, by signal: String) async throws -> ProgramResult {
        let script = """
            place=$1/images/small/slow/amd64/default signal=$2; shift 2
            # What a run before has said must not be taken for this one's.
            rm -rf "$place"
            "$@" & pid=$!
            until grep -qs begun "$place"/nightly.log "$place"/.rootcellar-build-*/image/build.log; do
                sleep 0.05
                kill -0 "$pid" || exit 99
            done
            kill -"$signal" "$pid"
            wait "$pid"
            """
        return try await runProgram(
            "bash",
            ["-c", script, "bash", nightly.work.string, signal, Programs.directory.appending("rootcellar").string]
                + nightly.words(["--jobs", "2"])
        )
    }

    /// `ROOTCELLAR_KILLS` says how many; a soak takes 50.
    @Test(
        "that are killed at any moment lose nothing, and nothing is published twice or untested",
        .timeLimit(.minutes(120))
    )
    func killed() async throws {
        var random = SeededGenerator()
        let nightly = try await NightlySite()
        var releases = ["r0"]
        func writeCatalog() throws {
            try nightly.write("{definition: small.yaml, releases: [\(releases.joined(separator: ", "))]}")
        }
        try writeCatalog()
        var duration = try await ContinuousClock().measure { try await nightly.run().succeeded() }
        var killed = 0
        for number in 1...(RandomKills.count > 12 ? RandomKills.count / 2 : 2) {
            releases.append("r\(number)")
            try writeCatalog()
            let delay = RandomKills.moment(within: duration, &random)
            let victim = try await runProgram(
                "timeout",
                ["--foreground", "-s", "KILL", delay, Programs.directory.appending("rootcellar").string]
                    + nightly.words()
            )
            let moment = Comment(rawValue: "killed after \(delay) s, seed \(random.seed)")
            #expect([0, 124, 137].contains(victim.status), "\(moment): \(victim.errors)")
            if victim.status == 137 { killed += 1 }
            #expect(try await nightly.hasNobodyLeft(), moment)
            let between = try await nightly.site.check()
            #expect(between.status == 0, "\(moment): \(between.errors)")

            let start = ContinuousClock.now
            let next = try await nightly.run()
            #expect(next.status == 0, "\(moment): \(next.errors)")
            // A run that had little left says nothing of how long a whole one takes.
            if next.errors.contains("r\(number)/amd64/default: build ") { duration = ContinuousClock.now - start }
            let check = try await nightly.site.check()
            #expect(check.status == 0, "\(moment): \(check.errors)")
            // One build of each, all of them tested.
            let builds = try await nightly.builds().map { String($0.split(separator: "/")[1]) }
            #expect(builds.sorted() == releases.sorted(), moment)
            #expect(try await nightly.hasNobodyLeft(), moment)
            let places = nightly.work.appending("images/small/r\(number)/amd64/default")
            #expect(try directoryNames(places) == ["image/", "nightly.log"], moment)
        }
        #expect(killed > 0)
    }
}
