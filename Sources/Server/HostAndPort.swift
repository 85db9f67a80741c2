// SPDX-License-Identifier: Apache-2.0

package import Model

#if canImport(Glibc)
import Glibc
#endif

/// Where a server listens, or where it can be reached: `HOST:PORT`, an IPv6 address in brackets.
package struct HostAndPort: Hashable, Sendable, CustomStringConvertible {
    /// A DNS name, or an IP address without brackets.
    package let host: String
    /// The TCP port; 0 lets the kernel choose when listening.
    package let port: Int

    /// A pair that needs no checking, as the system gave it.
    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Reads `name:port`, `1.2.3.4:port` or `[::1]:port`.
    ///
    /// - Throws: `USAGE` for anything else; an IPv6 address without brackets is refused because its last group could be
    ///   taken for the port (RFC 3986, 3.2.2).
    package init(_ text: String) throws(RootcellarError) {
        func refuse(
            _ reason: String,
            hint: String = "write HOST:PORT, for example 127.0.0.1:8443 or [::1]:8443"
        )
            -> RootcellarError
        { RootcellarError(.usage, reason, subject: "'\(text)'", hint: hint) }

        guard let colon = text.utf8.lastIndex(of: 0x3A) else { throw refuse("no port in the address to listen on") }
        let digits = text.utf8[text.utf8.index(after: colon)...]
        guard (1...5).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(text[text.index(after: colon)...]), port <= 65535
        else { throw refuse("not a port from 0 to 65535") }
        self.port = port

        let host = String(text[..<colon])
        if host.hasPrefix("[") && host.hasSuffix("]") {
            let address = String(host.dropFirst().dropLast())
            guard case .version6 = IPAddress(address) else { throw refuse("not an IPv6 address in the brackets") }
            self.host = address
        } else if host.utf8.contains(0x3A) {
            throw refuse("an IPv6 address needs brackets", hint: "write [\(host)]:\(port)")
        } else {
            guard IPAddress(host) != nil || Self.isName(host) else { throw refuse("not a host name or address") }
            self.host = host
        }
    }

    package var description: String { host.utf8.contains(0x3A) ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Whether only this machine can reach a server that listens here.
    package var isLoopback: Bool {
        switch IPAddress(host) {
        case .version4(let bytes): bytes.first == 127
        case .version6(let bytes): bytes.dropLast().allSatisfy { $0 == 0 } && bytes.last == 1
        case nil: host == "localhost"
        }
    }

    /// Letters, digits and inner hyphens in labels of at most 63, 253 in all (RFC 1123, 2.1); a last label of digits
    /// alone would be a mistyped address.
    private static func isName(_ host: String) -> Bool {
        let labels = host.utf8.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard host.utf8.count <= 253, let last = labels.last, !last.allSatisfy({ (0x30...0x39).contains($0) })
        else { return false }
        return labels.allSatisfy { label in
            (1...63).contains(label.count) && label.first != 0x2D && label.last != 0x2D
                && label.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x5F: true
                    default: false
                    }
                }
        }
    }
}

/// An IP address in network byte order.
enum IPAddress: Equatable {
    case version4([UInt8])
    case version6([UInt8])

    /// Reads an address as inet_pton(3) does; nil for anything else, names included.
    init?(_ text: String) {
        var four = [UInt8](repeating: 0, count: 4)
        var six = [UInt8](repeating: 0, count: 16)
        if unsafe inet_pton(AF_INET, text, &four) == 1 {
            self = .version4(four)
        } else if unsafe inet_pton(AF_INET6, text, &six) == 1 {
            self = .version6(six)
        } else {
            return nil
        }
    }

    /// 4 or 16 bytes.
    var bytes: [UInt8] {
        switch self {
        case .version4(let bytes), .version6(let bytes): bytes
        }
    }

    /// Whether it stands for every address of the machine when listened on.
    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
}
