// SPDX-License-Identifier: Apache-2.0

/// Runs a program by another clock, as a command line of its own.
///
/// libfaketime keeps a semaphore by the number of each process in /dev/shm, does not take away those of processes that
/// were killed, and fails where it meets one. So every run gets a /dev/shm of its own.
package enum FakeTime {
    private static let script = "mount -t tmpfs tmpfs /dev/shm && exec faketime \"$@\""

    /// The words of the command line.
    ///
    /// - Parameter time: what faketime(1) is given, as `-f -30d`.
    package static func words(_ time: [String], _ command: [String]) -> [String] {
        ["unshare", "-m", "sh", "-c", script, "sh"] + time + command
    }

    /// The same for a shell, in front of the command's words.
    package static func shell(_ shift: String) -> String { "unshare -m sh -c '\(script)' sh -f '\(shift)'" }
}
