// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// The namespaces that `rootcellar-sandbox enter` makes for a whole command.
package enum OwnNamespaces {
    /// The variable by which `rootcellar-sandbox` tells a program that it runs inside, and where.
    private static let marker = "ROOTCELLAR_NAMESPACE"

    /// Whether this process runs in such namespaces: what it mounts exists nowhere else, and whatever it may kill is its own.
    package static var areEntered: Bool {
        guard let value = unsafe getenv(marker) else { return false }
        let number = clinux_mount_namespace()
        let text = unsafe String(cString: value)
        return number != 0 && text == String(number)
    }
}
