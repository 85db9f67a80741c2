// SPDX-License-Identifier: Apache-2.0

import Glibc
import Model

/// The clock, read once by each command.
func currentTime() -> Timestamp { Timestamp(seconds: Int64(time(nil))) }
