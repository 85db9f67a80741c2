// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The machine's own architecture, as uname(2) names it.
func hostArchitecture() -> String {
    var name = utsname()
    _ = unsafe uname(&name)
    return unsafe withUnsafeBytes(of: &name.machine) {
        unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
}
