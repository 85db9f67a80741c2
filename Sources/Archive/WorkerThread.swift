// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One thread that runs one function to its end: for work that blocks, which must not sit on the shared task pool.
package final class WorkerThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var thread = pthread_t()

    /// Starts the thread.
    package init(_ run: @escaping @Sendable () -> Void) {
        let body = unsafe Unmanaged.passRetained(Body(run)).toOpaque()
        let result = unsafe pthread_create(
            &thread,
            nil,
            { body in
                if let body = unsafe body { unsafe Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run() }
                return nil
            },
            body
        )
        precondition(result == 0, "no thread: \(result)")
    }

    /// Waits until the function has returned. Must be called exactly once.
    package func join() { _ = pthread_join(thread, nil) }
}
