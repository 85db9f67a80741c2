// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Testing

@Suite("A catalogue of what is built")
struct BuildCatalogTests {
    struct Refusal: Sendable, CustomTestStringConvertible {
        var name: String
        var text: String
        var place: String
        var reason: String
        var hint: String?
        var testDescription: String { name }
    }

    static let minimal = """
        images:
        - definition: a.yaml
          architectures: [amd64]

        """

    static func load(_ text: String) throws(RootcellarError) -> BuildCatalog {
        try BuildCatalogFile.load(text: text, path: "c.yaml")
    }

    static let refusals: [Refusal] = [
        Refusal(
            name: "unknown section",
            text: minimal + "imagse: []\n",
            place: "4:1",
            reason: "unknown key 'imagse'",
            hint: "did you mean 'images'?"
        ),
        Refusal(
            name: "unknown key",
            text: minimal + "  shedule: {every: 1d}\n",
            place: "4:3",
            reason: "unknown key 'shedule' in 'images.0'",
            hint: "did you mean 'schedule'?"
        ),
        Refusal(
            name: "unknown default",
            text: "defaults: {release: a}\n" + minimal,
            place: "1:12",
            reason: "unknown key 'release' in 'defaults'"
        ),
        Refusal(name: "nothing", text: "# nothing\n", place: "1:1", reason: "no catalogue in it"),
        Refusal(name: "list", text: "- a\n", place: "1:1", reason: "a catalogue must be a mapping"),
        Refusal(name: "no images", text: "images: []\n", place: "1:9", reason: "'images' is missing"),
        Refusal(
            name: "no definition",
            text: "images:\n- architectures: [amd64]\n",
            place: "2:3",
            reason: "'images.0.definition' is missing"
        ),
        Refusal(
            name: "no architecture",
            text: "images:\n- definition: a.yaml\n",
            place: "2:3",
            reason: "'images.0.architectures' is missing"
        ),
        Refusal(
            name: "architecture",
            text: "images:\n- definition: a.yaml\n  architectures: [amd46]\n",
            place: "3:19",
            reason: "'amd46' is not an architecture",
            hint: "did you mean 'amd64'?"
        ),
        Refusal(
            name: "release twice",
            text: minimal + "  releases: [a, b, a]\n",
            place: "4:20",
            reason: "'a' is there twice in 'images.0.releases'"
        ),
        Refusal(
            name: "empty list",
            text: minimal + "  variants: []\n",
            place: "4:13",
            reason: "'images.0.variants' is empty"
        ),
        Refusal(name: "empty word", text: minimal + "  releases: ['']\n", place: "4:15", reason: "an empty name"),
        Refusal(
            name: "option",
            text: minimal + "  options: [source.variant]\n",
            place: "4:13",
            reason: "'source.variant' is not an override"
        ),
        Refusal(name: "label", text: minimal + "  labels: [Big]\n", place: "4:12", reason: "'Big' is not a label"),
        Refusal(name: "schedule", text: minimal + "  schedule: {}\n", place: "4:13", reason: "says nothing"),
        Refusal(
            name: "period",
            text: minimal + "  schedule: {every: 10m}\n",
            place: "4:21",
            reason: "'images.0.schedule.every' must be 1h to 366d, this is '10m'"
        ),
        Refusal(
            name: "time of day",
            text: minimal + "  schedule: {at: 24:00}\n",
            place: "4:18",
            reason: "must be a time of day as in 04:30, this is '24:00'"
        ),
        Refusal(
            name: "hours at a time of day",
            text: minimal + "  schedule: {every: 36h, at: 04:00}\n",
            place: "4:21",
            reason: "must be whole days"
        ),
        Refusal(
            name: "retention",
            text: minimal + "  retention: {keep: 0}\n",
            place: "4:21",
            reason: "'images.0.retention.keep' must be 1 to 100000"
        ),
        Refusal(
            name: "exclusion of nothing",
            text: minimal + "  releases: [trixie]\n  exclude:\n  - releases: [trixi]\n",
            place: "6:16",
            reason: "'trixi' is not among the releases",
            hint: "did you mean 'trixie'?"
        ),
        Refusal(
            name: "exclusion of everything",
            text: minimal + "  exclude:\n  - {}\n",
            place: "5:5",
            reason: "'images.0.exclude.0' excludes everything"
        ),
        Refusal(
            name: "exclusion of all there is",
            text: minimal + "  exclude:\n  - architectures: [amd64]\n",
            place: "5:3",
            reason: "every image of it is excluded"
        ),
        Refusal(
            name: "too many images",
            text:
                "images:\n- definition: a.yaml\n  architectures: [amd64]\n  releases: [\(many)]\n  variants: [\(many)]\n",
            place: "2:3",
            reason: "more than 4096 images"
        ),
        Refusal(name: "anchor", text: minimal + "  labels: &a [x]\n", place: "4:11", reason: "anchors and aliases"),
    ]

    private static let many = (0..<100).map { "a\($0)" }.joined(separator: ", ")

    @Test(arguments: refusals) func isRefusedWhereItIsWrong(_ refusal: Refusal) throws {
        do throws(RootcellarError) {
            _ = try Self.load(refusal.text)
            Issue.record("accepted")
        } catch {
            #expect(error.errorClass == .definition)
            #expect(error.subject == "c.yaml:\(refusal.place)")
            #expect(error.reason.contains(refusal.reason), "\(error)")
            if let hint = refusal.hint { #expect(error.hint == hint) }
        }
    }

    @Test func isExpandedWithDefaultsAndWithoutWhatIsExcluded() throws {
        let catalog = try Self.load(
            """
            defaults:
              architectures: [amd64, aarch64]
              variants: [default, cloud]
              schedule: {every: 12h}
              labels: [fast]
              retention: {keep: 3}
            images:
            - definition: a.yaml
              releases: [3.10, b]
              exclude:
              - {releases: [3.10], variants: [cloud]}
              - {architectures: [aarch64], releases: [b]}
            - definition: b.yaml
              architectures: [riscv64]
              variants: [default]
              options: [source.variant=x]
              schedule: {every: 7d, at: "04:30"}
              labels: []
              retention: {days: 9}
            """.replacing("labels: []", with: "labels: [slow, big]")
        )
        let first = catalog.groups[0]
        #expect(
            first.combinations.map { "\($0.release ?? "-") \($0.architecture) \($0.variant)" }
                == ["3.10 amd64 default", "3.10 aarch64 default", "b amd64 default", "b amd64 cloud"]
        )
        #expect("\(first.schedule)" == "every 12h" && first.labels == ["fast"] && first.retention.count == 3)
        let second = catalog.groups[1]
        #expect(second.combinations.map(\.overrides) == [["image.architecture=riscv64", "image.variant=default"]])
        #expect("\(second.schedule)" == "every 7d at 04:30" && second.labels == ["slow", "big"])
        #expect(second.retention.count == nil && second.retention.days == 9)
        #expect(second.options.map(\.text) == ["source.variant=x"])
        #expect("\(try Self.load(Self.minimal).groups[0].schedule)" == "every 1d")
    }

    private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(text)) }

    @Test func isDueAfterAPeriodOrAtATimeOfDay() throws {
        func schedule(_ text: String) throws -> BuildSchedule {
            try Self.load(Self.minimal + "  schedule: {\(text)}\n").groups[0].schedule
        }
        let last = try time("2026-03-01T05:00:00Z")
        #expect(try schedule("every: 36h").next(after: last) == time("2026-03-02T17:00:00Z"))
        #expect(try schedule("at: 04:00").next(after: last) == time("2026-03-02T04:00:00Z"))
        #expect(try schedule("at: 06:00").next(after: last) == time("2026-03-01T06:00:00Z"))
        #expect(try schedule("every: 7d, at: 04:00").next(after: last) == time("2026-03-08T04:00:00Z"))
        // One that began late does not move those after it.
        #expect(try schedule("at: 04:00").next(after: time("2026-03-01T23:59:00Z")) == time("2026-03-02T04:00:00Z"))
        #expect(try schedule("at: 00:00").next(after: Timestamp(seconds: -1)) == Timestamp(seconds: 0))
    }
}
