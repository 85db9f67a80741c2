// SPDX-License-Identifier: Apache-2.0

import CCurl
package import Model

/// The libcurl that this process runs with.
package struct CurlVersion: Sendable, Hashable {
    /// The version, as in `7.88.1`.
    package let version: String
    /// The TLS library behind it, as in `OpenSSL/3.0.19`; empty if there is none.
    package let tls: String
    /// The version as libcurl counts it: `0xXXYYZZ`.
    let number: UInt32

    /// The oldest version that is accepted: 7.74.0, of Debian 11.
    package static let minimum = "7.74.0"
    static let minimumNumber: UInt32 = 0x07_4A_00

    init(version: String, tls: String, number: UInt32) {
        self.version = version
        self.tls = tls
        self.number = number
    }

    /// What is loaded now.
    package static let current: CurlVersion = {
        guard let info = unsafe ccurl_version() else {
            return CurlVersion(version: "unknown", tls: "", number: 0)
        }
        let version = unsafe info.pointee.version.map { unsafe String(cString: $0) } ?? "unknown"
        let tls = unsafe info.pointee.ssl_version.map { unsafe String(cString: $0) } ?? ""
        return unsafe CurlVersion(version: version, tls: tls, number: info.pointee.version_num)
    }()

    /// Refuses a library that is too old, or that cannot speak TLS.
    ///
    /// - Throws: `POLICY`.
    package func check() throws(RootcellarError) {
        guard number >= Self.minimumNumber else {
            throw RootcellarError(
                .policy,
                "libcurl is too old",
                subject: version,
                hint: "install libcurl \(Self.minimum) or newer"
            )
        }
        guard !tls.isEmpty else {
            throw RootcellarError(.policy, "libcurl was built without TLS", subject: version)
        }
    }
}
