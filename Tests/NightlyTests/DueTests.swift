// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Nightly
import Testing

@Suite("What is due")
struct DueTests {
    private func decide(
        _ image: CatalogImage,
        _ published: PublishedBuild?,
        _ attempt: NightlyState.Attempt? = nil,
        now: Timestamp = Samples.now
    ) -> DueDecision {
        DueDecision(image, published: published, attempt: attempt, now: now)
    }

    private func failed(_ image: CatalogImage, at time: Timestamp, times: Int = 1) -> NightlyState.Attempt {
        var attempt = NightlyState.Attempt(began: time.adding(seconds: -60), inputs: image.inputs, failures: times)
        attempt.ended = time
        attempt.outcome = .failed
        attempt.failure = NightlyState.Failure(step: .build, errorClass: .source, reason: "no archive")
        return attempt
    }

    @Test func whatWasNeverBuilt() throws {
        #expect(try decide(Samples.image(), nil).reasons == [.never])
    }

    @Test func whatIsOlderThanTheSchedule() throws {
        let image = try Samples.image("  schedule: {every: 12h}\n")
        let young = decide(image, Samples.build(image, at: Samples.hours(-11)))
        #expect(!young.isDue && young.time == Samples.hours(1) && !young.isWaiting)
        let old = decide(image, Samples.build(image, at: Samples.hours(-12)))
        #expect(old.reasons == [.schedule] && old.time == Samples.now)
    }

    @Test func whatIsMadeOfSomethingElse() throws {
        let image = try Samples.image("  options: [source.suite=x]\n")
        let other = try Samples.image(definition: Samples.definition + "# more\n")
        let fresh = Samples.hours(-1)
        #expect(decide(image, Samples.build(image, at: fresh)).reasons == [])
        #expect(
            decide(image, Samples.build(image, at: fresh, inputs: other.inputs)).reasons == [.definition, .options]
        )
        let plain = try Samples.image()
        #expect(decide(image, Samples.build(image, at: fresh, inputs: plain.inputs)).reasons == [.options])
        // Nothing is known of a build that another tool has made.
        let foreign = PublishedBuild(serial: Serial(fresh), lifetime: 86400, inputs: nil)
        #expect(decide(image, foreign).reasons == [])
    }

    @Test func whatReadersAreAboutToLose() throws {
        let image = try Samples.image("  schedule: {every: 30d}\n")
        let decision = decide(image, Samples.build(image, at: Samples.hours(-19), lifetime: 86400))
        #expect(decision.reasons == [.expiring] && decision.needsNewSerial)
        let fresh = decide(image, Samples.build(image, at: Samples.hours(-17), lifetime: 86400))
        #expect(!fresh.isDue && fresh.time == Samples.hours(1))
    }

    @Test func aFailureIsTriedAgainLaterEachTimeButEachDay() throws {
        let image = try Samples.image()
        for (times, hours) in [(1, Int64(1)), (2, 2), (3, 4), (4, 8), (5, 16), (6, 16), (1000, 16)] {
            let early = decide(image, nil, failed(image, at: Samples.hours(-hours).adding(seconds: 1), times: times))
            #expect(!early.isDue && early.isWaiting, "\(times)")
            #expect(early.time == Samples.now.adding(seconds: 1))
            let late = decide(image, nil, failed(image, at: Samples.hours(-hours), times: times))
            #expect(late.reasons == [.never, .failed], "\(times)")
        }
        // A mended definition is tried at once.
        let mended = try Samples.image(definition: Samples.definition + "# mended\n")
        #expect(decide(mended, nil, failed(image, at: Samples.now)).reasons == [.never])
        // What is published meanwhile is not due at all.
        #expect(!decide(image, Samples.build(image, at: Samples.now), failed(image, at: Samples.hours(-9))).isDue)
    }

    @Test func whatWasFoundUnchangedIsNotDueAgain() throws {
        let image = try Samples.image("  schedule: {every: 12h}\n")
        let published = Samples.build(image, at: Samples.hours(-20))
        var attempt = NightlyState.Attempt(began: Samples.hours(-2), inputs: image.inputs)
        attempt.outcome = .unchanged
        attempt.serial = published.serial
        let decision = decide(image, published, attempt)
        #expect(!decision.isDue && decision.time == Samples.hours(10))
        attempt.serial = Serial(Samples.hours(-30))
        #expect(decide(image, published, attempt).reasons == [.schedule])
    }

    @Test func anAttemptThatWasKilledIsMadeAgain() throws {
        let image = try Samples.image()
        let attempt = NightlyState.Attempt(began: Samples.hours(-1), inputs: image.inputs)
        #expect(decide(image, nil, attempt).reasons == [.never])
    }

    @Test("is done first if it has waited longest, and last if it failed last time")
    func order() throws {
        let images = try Samples.matrix(
            """
            images:
            - definition: d.yaml
              releases: [a, b, c, d, e]
              architectures: [amd64]
            """
        ).images
        var state = NightlyState()
        state[images[0].name] = failed(images[0], at: Samples.hours(-5))
        var published: [ImageName: PublishedBuild] = [:]
        for (image, hours) in zip(images.dropFirst(), [Int64(-30), -40, -50, -3]) {
            published[image.name] = Samples.build(image, at: Samples.hours(hours))
        }
        let plan = BuildPlan(images, published: published, state: state, now: Samples.now)
        #expect(plan.due.map(\.image.name.release) == ["d", "c", "b", "a"])
        #expect(plan.rows.count == 5)
        #expect(plan.rows[0].explanation == "never built; last attempt failed (build: SOURCE: no archive)")
        #expect(plan.rows[1].explanation == "older than the schedule, every 1d")
        #expect(plan.rows[4].explanation == "at 2026-03-11T09:00:00Z")
    }
}
