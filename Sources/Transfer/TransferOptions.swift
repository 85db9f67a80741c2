// SPDX-License-Identifier: Apache-2.0

package import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// How a session behaves towards its server. The defaults are the published ones.
package struct TransferOptions: Sendable {
    /// PEM file of the certificate authorities to accept INSTEAD of the system's; nil for the system's.
    package var caFile: String?
    /// PEM files of a certificate and its key by which servers of the pinned address know this client; shown to no other
    /// host, wherever a redirect leads.
    package var clientCertificate: String?
    package var clientKey: String?
    /// What is shown to the pinned address, and to no other, wherever a redirect leads.
    package var token: BearerToken?
    /// Proxy URL; nil leaves it to `https_proxy` and `no_proxy` of the environment, empty means none.
    package var proxy: String?
    /// The longest wait for a connection, TLS included.
    package var connectTimeout: Duration = .seconds(15)
    /// Bytes per second below which a transfer is given up after `lowSpeedTime`.
    package var lowSpeedLimit = 1 << 10
    /// How long a transfer may stay below `lowSpeedLimit`; whole seconds.
    package var lowSpeedTime: Duration = .seconds(30)
    /// The part of the deadline for one file, all tries included, that does not depend on its size.
    package var deadlineBase: Duration = .seconds(60)
    /// Bytes per second by which the deadline grows with the file's size.
    package var deadlineRate = 16 << 10
    /// How many redirects in a row are followed.
    package var maxRedirects = 5
    /// How many times a file is asked for in all.
    package var tries = 5
    /// The most that is waited before the second try; doubles with every try.
    package var backoffBase: Duration = .milliseconds(500)
    /// The most that is waited before any try.
    package var backoffCap: Duration = .seconds(30)
    /// The longest `Retry-After` that is waited for; a server that asks for more is given up.
    package var retryAfterCap: Duration = .seconds(60)
    /// Told the URL of each file before it is asked for.
    package var onRequest: (@Sendable (String) -> Void)?
    /// The `User-Agent`: name and version, nothing about the machine.
    package var userAgent = "rootcellar/\(programVersion)"

    /// The published defaults.
    package init(caFile: String? = nil, proxy: String? = nil) {
        self.caFile = caFile
        self.proxy = proxy
    }

    /// Whether the rights of this process are not those of whoever set its environment: then a proxy in it is not used.
    package static var isElevated: Bool {
        if getuid() != geteuid() || getgid() != getegid() { return true }
        return geteuid() == 0 && ["SUDO_UID", "DOAS_USER", "PKEXEC_UID"].contains(where: isSet)
    }

    /// Whether `https_proxy` is set and not used.
    package var ignoresProxy: Bool { proxy == nil && Self.isElevated && Self.isProxySet }

    /// Whether a proxy is used, unless `no_proxy` excepts the server.
    var usesProxy: Bool { proxy.map { !$0.isEmpty } ?? (!Self.isElevated && Self.isProxySet) }

    private static var isProxySet: Bool {
        ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"].contains(where: isSet)
    }

    private static func isSet(_ name: String) -> Bool { unsafe getenv(name) != nil }

    /// How long a file of `size` bytes may take, all tries included.
    func allowance(size: Int) -> Duration {
        deadlineBase + .milliseconds(Int64(Double(size) / Double(max(1, deadlineRate)) * 1000))
    }

    /// The most that is waited after try number `attempt` (1, 2, …) failed: the jitter is drawn from zero to this.
    func backoff(after attempt: Int) -> Duration {
        min(backoffCap, backoffBase * Double(1 << min(20, attempt - 1)))
    }
}
