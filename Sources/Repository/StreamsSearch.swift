// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import Synchronization

/// Reads the whole catalogue in force on a thread of its own, while gpg signs builds: whether it is sound, and whether
/// images that are about to be published are in it already.
final class StreamsSearch {
    private struct Outcome {
        var found: SHA256Digest?
        var isSound = false
    }

    private final class Shared: Sendable {
        let outcome = Mutex(Outcome())
    }

    private let catalogue: StreamsInForce?
    private let shared = Shared()
    private var thread: WorkerThread?

    /// Begins.
    init(_ catalogue: StreamsInForce?, for fingerprints: [SHA256Digest]) {
        self.catalogue = catalogue
        guard let catalogue else { return }
        thread = WorkerThread { [shared] in
            let (found, isSound) = catalogue.search(fingerprints)
            shared.outcome.withLock { $0 = Outcome(found: found, isSound: isSound) }
        }
    }

    deinit { thread?.join() }

    /// Waits for the end.
    ///
    /// - Returns: the catalogue, if it is sound, and the first image that is in it.
    func result() -> (catalogue: StreamsInForce?, found: SHA256Digest?) {
        thread?.join()
        thread = nil
        let outcome = shared.outcome.withLock { $0 }
        return (outcome.isSound ? catalogue : nil, outcome.found)
    }
}
