// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Asks again and again until the answer is yes; false if it is not within the time.
func wait(seconds: Int, until isTrue: () -> Bool) -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while true {
        if isTrue() { return true }
        if clock.now >= end { return false }
        usleep(50_000)
    }
}
