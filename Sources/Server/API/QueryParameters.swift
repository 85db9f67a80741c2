// SPDX-License-Identifier: Apache-2.0

/// What stands behind the question mark of a request: names that are known, each at most once.
struct QueryParameters: Sendable {
    /// Why a query is refused, for people.
    struct Fault: Error {
        let reason: String
    }

    /// The longest value in bytes, after decoding.
    static let longest = 128

    private let values: [String: String]

    /// Reads the target of a request.
    ///
    /// - Throws: `Fault` for a parameter that is not among `known`, stands twice, is empty, too long, or not well formed.
    init(target: String, known: Set<String>) throws(Fault) {
        var values: [String: String] = [:]
        guard let mark = target.utf8.firstIndex(of: 0x3F) else {
            self.values = values
            return
        }
        for part in target.utf8[target.utf8.index(after: mark)...].split(separator: 0x26) {
            let pieces = part.split(separator: 0x3D, maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = pieces.first.flatMap(Self.decoded),
                let value = pieces.dropFirst().first.flatMap(Self.decoded)
            else { throw Fault(reason: "a parameter is not well formed") }
            guard known.contains(name) else { throw Fault(reason: "there is no parameter of this name") }
            // Names and versions have nothing else in them, and what is refused here needs no thought anywhere else.
            guard (1...Self.longest).contains(value.utf8.count), value.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else {
                throw Fault(reason: "'\(name)' is empty, too long or has other than printable ASCII characters")
            }
            guard values.updateValue(value, forKey: name) == nil else { throw Fault(reason: "'\(name)' stands twice") }
        }
        self.values = values
    }

    subscript(name: String) -> String? { values[name] }

    /// - Throws: `Fault` if it is not there.
    func required(_ name: String) throws(Fault) -> String {
        guard let value = values[name] else { throw Fault(reason: "'\(name)' is needed") }
        return value
    }

    /// As forms are written: `+` is a blank, everything else is percent-encoded.
    private static func decoded(_ text: some Collection<UInt8>) -> String? {
        var result: [UInt8] = []
        var rest = text.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case 0x2B: result.append(0x20)
            case 0x25:
                guard let high = rest.next().flatMap(digit), let low = rest.next().flatMap(digit) else { return nil }
                result.append(high << 4 | low)
            default: result.append(byte)
            }
        }
        return String(validating: result, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
