// SPDX-License-Identifier: Apache-2.0

import Model

@testable import Transfer

/// Names, addresses and headers.
enum AddressFuzz {
    static let names = ["debian/bookworm/amd64/default", "20260820_05:24", "../../x", "2026-01-01T00:00:00Z"]
        .map { Array($0.utf8) }

    static func name(_ bytes: [UInt8]) {
        let text = text(bytes)
        if let name = try? ImageName(path: text) {
            precondition([text, "\(text)/default"].contains(name.path), "a name is written in one way")
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            precondition(
                parts.allSatisfy { !$0.isEmpty && !$0.hasPrefix(".") && !$0.contains("..") },
                "a name is a path"
            )
        }
        if let serial = try? Serial(text) {
            precondition(serial.description == text && Serial(serial.time) == serial, "a serial is a time")
        }
        if let time = Timestamp(text) { precondition(time.description == text, "a time is written in one way") }
        if let fingerprint = try? Fingerprint(text) {
            precondition([40, 64].contains(fingerprint.hex.utf8.count), "a fingerprint is whole")
        }
    }

    static let addresses = ["images.example:8443/lxc", "https://[::1]:443", "https://user@host", "HOST."]
        .map { Array($0.utf8) }

    static func address(_ bytes: [UInt8]) {
        guard let address = try? ServerAddress(text(bytes)) else { return }
        guard let again = try? ServerAddress(address.url) else { preconditionFailure("\(address.url) is an address") }
        precondition(again == address, "an address has one form")
        precondition(address.url.hasPrefix("https://") && !address.url.contains("@"), "nothing but a host over HTTPS")
    }

    static let redirects = ["/x", "https://other.example/y?z", "//host/x", "http://x/", "file:///etc/passwd"]
        .map { Array($0.utf8) }

    static func redirect(_ bytes: [UInt8]) {
        guard let target = try? redirectTarget(text(bytes), from: "https://a.example/b") else { return }
        precondition(target.hasPrefix("https://"), "a redirect stays with HTTPS")
    }

    static let responses = [
        "HTTP/1.1 206 x\r\nContent-Length: 5\r\nContent-Range: bytes 1-5/6\r\nETag: \"a\"\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/2 200\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
    ].map { Array($0.utf8) }

    static func response(_ bytes: [UInt8]) {
        var head = ResponseHead()
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
            head.take(line: text(line + [0x0A]))
        }
        precondition(head.contentLength.map { $0 >= 0 } ?? true, "a length is not negative")
        if let range = head.contentRange {
            precondition(range.first >= 0 && range.first <= range.last && range.last < range.total, "a range is one")
        }
    }

    static let ranges = ["bytes 0-5/6", "bytes 5-4/*", "bytes 0-9223372036854775807/9223372036854775808"].map {
        Array($0.utf8)
    }

    static func range(_ bytes: [UInt8]) {
        guard let range = ContentRange(text(bytes)) else { return }
        precondition(range.first >= 0 && range.first <= range.last && range.last < range.total, "a range is one")
    }
}
