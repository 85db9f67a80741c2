// SPDX-License-Identifier: Apache-2.0

import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// Runs an action on a thread of its own if a blocking call takes longer than it may.
final class Watchdog: @unchecked Sendable {
    // Safe to share: the fields are set before the thread starts, and read again only after it was joined.
    private var thread = pthread_t()
    private var release: FileDescriptor?
    private var waiting: FileDescriptor?
    private let milliseconds: Int32
    private let action: @Sendable () -> Void
    private var barked = false

    private init(seconds: Int, action: @escaping @Sendable () -> Void) {
        milliseconds = Int32(clamping: seconds * 1000)
        self.action = action
    }

    /// Calls `body`; `action` is called meanwhile, again every 100 ms, once `seconds` have passed.
    ///
    /// - Returns: what `body` returned, and whether `action` was called.
    static func watch<Result>(
        seconds: Int,
        action: @escaping @Sendable () -> Void,
        _ body: () -> Result
    ) -> (result: Result, late: Bool) {
        let dog = Watchdog(seconds: seconds, action: action)
        let running = dog.start()
        let result = body()
        if running { dog.stop() }
        return (result, dog.barked)
    }

    /// Without a pipe or a thread (descriptors or memory used up) the call runs unwatched.
    private func start() -> Bool {
        guard let pipe = try? FileDescriptor.pipe() else { return false }
        for end in [pipe.readEnd, pipe.writeEnd] { _ = fcntl(end.rawValue, F_SETFD, FD_CLOEXEC) }
        waiting = pipe.readEnd
        release = pipe.writeEnd
        let started = unsafe pthread_create(
            &thread,
            nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Watchdog>.fromOpaque(context).takeUnretainedValue().run()
                return nil
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
        if started != 0 {
            try? pipe.readEnd.close()
            try? pipe.writeEnd.close()
        }
        return started == 0
    }

    private func run() {
        guard let waiting else { return }
        var timeout = milliseconds
        while true {
            var wait = pollfd(fd: waiting.rawValue, events: Int16(POLLIN), revents: 0)
            let ready = unsafe poll(&wait, 1, timeout)
            if ready > 0 { return }
            if ready < 0 { continue }
            barked = true
            action()
            timeout = 100
        }
    }

    private func stop() {
        try? release?.close()
        _ = pthread_join(thread, nil)
        try? waiting?.close()
    }
}
