// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The process that started this one, where it wants nobody to outlive it.
package enum ParentProcess {
    private static let variable = "ROOTCELLAR_PARENT"

    /// What the environment of such a child of this process has. The thread that starts it must live as long as the child
    /// may (PR_SET_PDEATHSIG, prctl(2)).
    package static var environment: [String: String] { [variable: "\(getpid())"] }

    /// Ends this process, and through it whatever it executes, when the parent ends, in whatever way: if that was asked
    /// for. To be called before anything is started.
    package static func follow() {
        guard let text = unsafe getenv(variable) else { return }
        let parent = CInt(unsafe String(cString: text))
        // Only the first process is meant, not what it starts.
        unsafe unsetenv(variable)
        if let parent { _ = clinux_die_with_parent(parent) }
    }
}
