// SPDX-License-Identifier: Apache-2.0

package import Model

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Where a server is: `https://HOST[:PORT][/PREFIX]`, always HTTPS.
///
/// There is one form for each address: lower-case host, no port 443, no slash at the end. It is an address only; what a
/// client remembers of a server is kept by the server's signed name.
package struct ServerAddress: Hashable, Sendable, CustomStringConvertible {
    /// The host in lower case; an IPv6 address stands in brackets.
    package let host: String
    /// The TCP port.
    package let port: Int
    /// Empty, or a slash and one or more path components without a slash at the end.
    package let prefix: String

    /// Reads `https://HOST[:PORT][/PREFIX]`, or the same without the scheme.
    ///
    /// - Throws: `POLICY` for another scheme, user information, a query, a fragment, and for anything that is no host,
    ///   port or path.
    package init(_ text: String) throws(RootcellarError) {
        func refused(_ why: String, hint: String? = nil) -> RootcellarError {
            // User information may be a password, so that the text is shown only without it.
            RootcellarError(
                .policy,
                "not a server address (\(why))",
                subject: "'\(redactedWord(text))'",
                hint: hint ?? "write https://HOST[:PORT][/PREFIX]"
            )
        }
        var rest = text[...]
        if let end = rest.firstRange(of: "://") {
            guard rest[..<end.lowerBound].lowercased() == "https" else {
                throw refused("only https is spoken")
            }
            rest = rest[end.upperBound...]
        }
        guard !rest.contains("@") else { throw refused("user name or password in it") }
        guard !rest.contains("?"), !rest.contains("#") else { throw refused("query or fragment in it") }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var authority = rest[..<slash]
        var path = rest[slash...]
        while path.last == "/" { path = path.dropLast() }
        for part in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) where path != "" {
            guard isPathComponent(part) else { throw refused("bad path") }
        }
        if let colon = authority.lastIndex(of: ":"), !authority.hasSuffix("]") {
            let digits = authority[authority.index(after: colon)...]
            guard !digits.isEmpty, digits.utf8.count <= 5, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let number = Int(digits), (1...65535).contains(number)
            else { throw refused("bad port") }
            port = number
            authority = authority[..<colon]
        } else {
            port = 443
        }
        let name = authority.lowercased()
        guard isHostName(name) || isBracketedIPv6(name) else {
            throw refused(
                "bad host",
                hint: name.utf8.allSatisfy { $0 < 0x80 } ? nil : "write international names as xn--..."
            )
        }
        host = name
        prefix = String(path)
    }

    /// The whole address without a slash at the end.
    package var url: String { "https://\(host)\(port == 443 ? "" : ":\(port)")\(prefix)" }

    package var description: String { url }

    /// The URL of a file of the tree; bytes that have a meaning in URLs are percent-encoded.
    package func url(of path: String) -> String {
        var text = Array(url.utf8) + [0x2F]
        for byte in path.utf8 {
            if isUnreserved(byte) || byte == 0x2F || byte == 0x3A {
                text.append(byte)
            } else {
                text += Array("%\(hexText([byte], upperCase: true))".utf8)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// Checks that `path` names a file below the root of a tree and nothing else: relative, no empty, `.` or `..`
/// component, and no byte that could make it a URL of its own or hide one of those.
///
/// - Throws: `BINDING`, since paths come out of signed documents.
func checkTreePath(_ path: String) throws(RootcellarError) {
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    let isClean =
        path.utf8.count <= 4096
        && parts.allSatisfy { part in
            !part.isEmpty && part != "." && part != ".."
                && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !Array("%?#\\\"<>^`{|}".utf8).contains($0) }
        }
    guard isClean else {
        throw RootcellarError(.binding, "not a path of a file in the tree", subject: "'\(path)'")
    }
}

/// Letters, digits and `-._~`: the bytes that mean themselves everywhere in a URL (RFC 3986, 2.3).
private func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: true
    default: false
    }
}

private func isPathComponent(_ part: Substring) -> Bool {
    !part.isEmpty && part != "." && part != ".."
        && part.utf8.allSatisfy { isUnreserved($0) || $0 == 0x3A || $0 == 0x2B }
}

private func isHostName(_ name: String) -> Bool {
    guard (1...253).contains(name.utf8.count) else { return false }
    return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
        (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
            && label.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
            }
    }
}

/// `[address]` or `[address%25zone]` (RFC 6874).
private func isBracketedIPv6(_ name: String) -> Bool {
    guard name.hasPrefix("["), name.hasSuffix("]") else { return false }
    var address = name.dropFirst().dropLast()
    if let zone = address.firstRange(of: "%25") {
        let interface = address[zone.upperBound...]
        guard !interface.isEmpty, interface.utf8.allSatisfy(isUnreserved) else { return false }
        address = address[..<zone.lowerBound]
    }
    guard address.utf8.allSatisfy({ $0 != 0 }) else { return false }
    var binary = in6_addr()
    return unsafe inet_pton(AF_INET6, String(address), &binary) == 1
}
