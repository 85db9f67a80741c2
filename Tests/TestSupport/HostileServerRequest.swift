// SPDX-License-Identifier: Apache-2.0

/// A request as it arrived.
package struct HostileServerRequest: Sendable {
    /// The method, as in `GET`.
    package let method: String
    /// The request target as it was sent.
    package let target: String
    /// The target's path, percent-decoded, with repeated slashes taken as one.
    package let path: String
    /// Header fields by lower-case name; of several the last.
    package let headers: [String: String]
    /// Every byte up to the empty line.
    package let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
        let words = (lines.first ?? "").split(separator: " ")
        method = words.first.map(String.init) ?? ""
        target = words.count > 1 ? String(words[1]) : ""
        var path: [UInt8] = []
        var rest = Array(target.utf8.prefix { $0 != 0x3F })[...]
        while let byte = rest.popFirst() {
            if byte == 0x25, rest.count >= 2,
                let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                path.append(value)
                rest = rest.dropFirst(2)
            } else if byte != 0x2F || path.last != 0x2F {
                path.append(byte)
            }
        }
        self.path = String(decoding: path, as: UTF8.self)
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            headers[line[..<colon].lowercased()] = String(value)
        }
        self.headers = headers
    }

    /// Where a `Range: bytes=N-` or `bytes=N-M` begins; nil without one.
    package var rangeStart: Int? { range?.start }

    /// First and last byte of the `Range` header.
    package var range: (start: Int, end: Int?)? {
        guard let text = headers["range"], text.hasPrefix("bytes=") else { return nil }
        let ends = text.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let start = Int(ends[0]) else { return nil }
        return (start, Int(ends[1]))
    }
}
