// SPDX-License-Identifier: Apache-2.0

import Definition
package import Model

/// The environment of everything that runs inside an image: made from this list and the definition, from nothing else.
package enum ScriptEnvironment {
    /// What a definition's `clear_defaults` leaves out.
    private static let defaults = [
        "PATH": "/sbin:/bin:/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin",
        "SHELL": "/bin/sh",
        "TERM": "xterm",
        "DEBIAN_FRONTEND": "noninteractive",
    ]

    /// The variables.
    ///
    /// - Parameters:
    ///   - clearDefaults: whether the definition wants none of the usual ones.
    ///   - variables: the definition's own, in order; of equal names the last counts, and they win over all others.
    ///   - epoch: the build's SOURCE_DATE_EPOCH.
    ///   - proxy: the configured proxy.
    package static func variables(
        clearDefaults: Bool,
        variables: [(name: String, value: String)],
        epoch: Timestamp,
        proxy: String?
    ) -> [String: String] {
        var result = clearDefaults ? [:] : defaults
        result["HOME"] = "/root"
        result["LANG"] = "C.UTF-8"
        result["SOURCE_DATE_EPOCH"] = String(epoch.seconds)
        if let proxy {
            result["http_proxy"] = proxy
            result["https_proxy"] = proxy
        }
        for variable in variables { result[variable.name] = variable.value }
        return result
    }
}
