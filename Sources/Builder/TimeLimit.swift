// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import Synchronization

/// Ends a run that takes too long: everything that it started is killed, and the step that waited for it fails.
final class TimeLimit {
    private enum Outcome { case running, lifted, passed }

    private final class Watch: Sendable {
        let outcome = Mutex(Outcome.running)

        func run(_ seconds: Int) {
            let clock = ContinuousClock()
            let end = clock.now + .seconds(seconds)
            while clock.now < end {
                if outcome.withLock({ $0 == .lifted }) { return }
                usleep(100_000)
            }
            outcome.withLock { if $0 == .running { $0 = .passed } }
            // In the build's own process namespace this reaches what the build started, and nobody else (kill(2)).
            while RootlessEntry.isInside, outcome.withLock({ $0 == .passed }) {
                kill(-1, SIGKILL)
                usleep(100_000)
            }
        }
    }

    private let seconds: Int
    private let watch = Watch()
    private let thread: WorkerThread
    private var hasPassed = false
    private var isLifted = false

    /// A limit from now on.
    init(seconds: Int) {
        self.seconds = seconds
        thread = WorkerThread { [watch] in watch.run(seconds) }
    }

    /// Takes the limit away, before the run ends.
    func lift() {
        guard !isLifted else { return }
        isLifted = true
        watch.outcome.withLock { outcome in
            hasPassed = outcome == .passed
            outcome = .lifted
        }
        thread.join()
    }

    /// Says of an error, after `lift`, that the limit is its reason, if it is.
    func explained(_ error: RootcellarError) -> RootcellarError {
        guard hasPassed else { return error }
        return RootcellarError(
            .build,
            "the time limit of \(seconds) s has passed; then: \(error.reason)",
            subject: error.subject,
            hint: "give more with --timeout"
        )
    }
}
