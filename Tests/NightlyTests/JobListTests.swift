// SPDX-License-Identifier: Apache-2.0

import Definition
import FoundationEssentials
import Model
import Nightly
import Testing

@Suite("Lists of jobs")
struct JobListTests {
    private func jobs(_ publish: [String] = ["--repo", "/srv/my images", "--keys", "keys"]) throws -> [BuildJob] {
        let images = try Samples.matrix(
            """
            images:
            - {definition: d.yaml, releases: [trixie], architectures: [amd64], labels: [big], options: ["source.suite=it's"]}
            - {definition: d.yaml, releases: [sid], architectures: [arm64]}
            """
        ).images
        let published = [images[1].name: Samples.build(images[1], at: Samples.hours(-23), lifetime: 86400)]
        let plan = BuildPlan(images, published: published, state: NightlyState(), now: Samples.now)
        return plan.due.map { BuildJob($0, publish: publish) }
    }

    private struct Matrix: Decodable {
        struct Job: Decodable {
            var image: String
            var labels: [String]
            var build: String
            var test: String
            var publish: String?
        }
        var include: [Job]
    }

    @Test func forGitHub() throws {
        let text = try JobList.github.text(jobs())
        #expect(!text.contains("\n"))
        let matrix = try JSONDecoder().decode(Matrix.self, from: Data(text.utf8))
        #expect(matrix.include.map(\.image) == ["debian/trixie/amd64/default", "debian/sid/arm64/default"])
        #expect(matrix.include.map(\.labels) == [["amd64", "big"], ["arm64"]])
        #expect(
            matrix.include[0].build == "rootcellar build x/d.yaml -o image.release=trixie -o image.architecture=amd64"
                + " -o image.variant=default -o 'source.suite=it'\\''s' --output image"
        )
        #expect(matrix.include[0].publish == "rootcellar publish image --repo '/srv/my images' --keys keys")
        // The same content under a new serial.
        #expect(matrix.include[1].build.hasSuffix(" --force") && matrix.include[1].test == "rootcellar test image")
        let silent = try JSONDecoder().decode(Matrix.self, from: Data(try JobList.github.text(jobs([])).utf8))
        #expect(silent.include.allSatisfy { $0.publish == nil })
        #expect(throws: RootcellarError.self) {
            try JobList.github.text(Array(repeating: jobs()[0], count: 257))
        }
    }

    @Test func forGitLab() throws {
        let text = try JobList.gitlab.text(jobs())
        let lines = text.split(separator: "\n").map(String.init)
        #expect(lines[1] == "\"debian/trixie/amd64/default\":")
        #expect(lines[2] == "  tags: [\"amd64\",\"big\"]")
        #expect(lines[5] == "  - \"rootcellar test image\"")
        #expect(lines.count { $0.hasPrefix("\"") } == 2)
        #expect(try JobList.gitlab.text([]).contains("\"nothing is due\":"))
    }

    @Test func forBuildbot() throws {
        struct Job: Decodable {
            struct Step: Decodable {
                var name: String
                var command: [String]
            }
            var image: String
            var due: Bool
            var steps: [Step]
        }
        let text = try JobList.buildbot.text(jobs())
        let list = try JSONDecoder().decode([Job].self, from: Data(text.utf8))
        #expect(list.map(\.steps.count) == [3, 3] && list.allSatisfy(\.due))
        #expect(
            list[0].steps[2].command == [
                "rootcellar", "publish", "image", "--repo", "/srv/my images", "--keys", "keys",
            ]
        )
    }

    @Test func whatIsRememberedIsReadBack() throws {
        let image = try Samples.image()
        var state = NightlyState()
        var attempt = NightlyState.Attempt(began: Samples.now, inputs: image.inputs, failures: 3)
        attempt.ended = Samples.hours(1)
        attempt.outcome = .failed
        attempt.failure = NightlyState.Failure(step: .test, errorClass: .test, reason: "lxc: boot")
        state[image.name] = attempt
        let bytes = try state.canonicalBytes()
        #expect(try NightlyState(verified: bytes, subject: "s")[image.name] == attempt)
    }
}
