// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Hands pieces of a stream from one thread to another and lets neither run far ahead.
///
/// `@unchecked Sendable`: every access to the state is under the mutex.
@safe final class ChunkQueue: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private let capacity: Int
    private var chunks: [[UInt8]] = []
    private var ended = false
    private var abandoned = false

    /// A queue of at most `capacity` pieces.
    init(capacity: Int) {
        self.capacity = capacity
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(changed, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(changed)
        unsafe pthread_mutex_destroy(mutex)
        unsafe changed.deallocate()
        unsafe mutex.deallocate()
    }

    /// Adds a piece, waiting while the queue is full. False if nobody will take any more.
    func put(_ chunk: [UInt8]) -> Bool {
        locked {
            while chunks.count >= capacity, !abandoned { unsafe pthread_cond_wait(changed, mutex) }
            if !abandoned { chunks.append(chunk) }
            return !abandoned
        }
    }

    /// Says that no piece follows.
    func end() { locked { ended = true } }

    /// The next piece, waiting for it; nil after the last.
    func take() -> [UInt8]? {
        locked {
            while chunks.isEmpty, !ended { unsafe pthread_cond_wait(changed, mutex) }
            return chunks.isEmpty ? nil : chunks.removeFirst()
        }
    }

    /// Says that no piece will be taken any more, so that the other side stops.
    func abandon() {
        locked {
            abandoned = true
            chunks = []
        }
    }

    private func locked<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer {
            unsafe pthread_cond_broadcast(changed)
            unsafe pthread_mutex_unlock(mutex)
        }
        return body()
    }
}
