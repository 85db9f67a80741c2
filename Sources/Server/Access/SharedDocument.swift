// SPDX-License-Identifier: Apache-2.0

import Model

/// A document that tells of many images, and what of it somebody is shown who may not read them all: what may not be read is
/// not told of. What is signed cannot be divided; it is shown as it is or not at all.
enum SharedDocument: Equatable, Sendable {
    /// Of stock LXC clients: a line for each image.
    case lines
    /// Of LXD and Incus.
    case streams
    /// For people, marked by `PagePart`.
    case page
    /// An index shard, which the manifest names by its hash.
    case shard
    /// A signature of another document, or a signed form of it.
    case signed(of: [String])
    /// Whatever else lies among these.
    case unknown

    /// The most bytes of one that is looked into.
    static let limit: Int64 = 64 << 20

    /// What somebody is shown of it.
    enum Extent: Equatable, Sendable {
        case whole
        case part([UInt8])
        case nothing
    }

    /// The kind of a file by its name below the top of the tree; nil for those that tell of one image, or of none.
    init?(_ components: [String]) {
        switch (components.first, components.count) {
        case ("index.html", 1), ("status.html", 1), ("feed.atom", 1): self = .page
        case ("rootcellar", 3) where components[1] == "index": self = .shard
        case ("meta", 3...):
            self = Self.base(components, [(".asc", "")]).map { .signed(of: $0) } ?? .lines
        case ("streams", 3...):
            if let base = Self.base(components, [(".sjson", ".json"), (".json.gpg", ".json")]) {
                self = .signed(of: base)
            } else {
                self = components.last?.hasSuffix(".json") == true ? .streams : .unknown
            }
        default: return nil
        }
    }

    private static func base(_ components: [String], _ endings: [(signed: String, plain: String)]) -> [String]? {
        guard let name = components.last else { return nil }
        for (signed, plain) in endings where name.hasSuffix(signed) {
            return components.dropLast() + [name.dropLast(signed.count) + plain]
        }
        return nil
    }

    /// What is shown of these bytes.
    func extent(_ bytes: [UInt8], _ isShown: (ImageName) -> Bool) -> Extent {
        let part: [UInt8]?
        switch self {
        case .lines: part = Self.lines(bytes, isShown)
        case .page: part = PagePart.visible(bytes, isShown)
        case .streams: return Self.streams(bytes, isShown)
        case .shard: return Self.shard(bytes, isShown)
        case .signed, .unknown: return .nothing
        }
        guard let part else { return .nothing }
        return part == bytes ? .whole : .part(part)
    }

    private static func lines(_ bytes: [UInt8], _ isShown: (ImageName) -> Bool) -> [UInt8] {
        var result: [UInt8] = []
        for line in bytes.split(separator: 0x0A) {
            let fields = line.split(separator: 0x3B, omittingEmptySubsequences: false).prefix(4)
            guard let name = name(fields.map { String(decoding: $0, as: UTF8.self) }), isShown(name) else { continue }
            result += line
            result.append(0x0A)
        }
        return result
    }

    private static func name(_ parts: [String]) -> ImageName? {
        guard parts.count == 4 else { return nil }
        return try? ImageName(distribution: parts[0], release: parts[1], architecture: parts[2], variant: parts[3])
    }

    /// The index names the products of each file, a file has them. An entry without any is refused by some readers, and the hash
    /// of a file that was divided is no longer its own.
    private static func streams(_ bytes: [UInt8], _ isShown: (ImageName) -> Bool) -> Extent {
        func isProductShown(_ key: String) -> Bool {
            name(key.split(separator: ":", omittingEmptySubsequences: false).map(String.init)).map(isShown) ?? false
        }
        guard case .object(var document) = JSONValue(reading: bytes) else { return .nothing }
        var isWhole = true
        if case .object(let products) = document["products"] {
            let shown = products.filter { isProductShown($0.key) }
            isWhole = shown.count == products.count
            document["products"] = .object(shown)
        } else if case .object(let entries) = document["index"] {
            var index: [String: JSONValue] = [:]
            for (key, value) in entries {
                guard case .object(var entry) = value, case .array(let products) = entry["products"] else {
                    return .nothing
                }
                let shown = products.filter { $0.string.map(isProductShown) ?? false }
                if shown.count != products.count {
                    isWhole = false
                    entry["products"] = .array(shown)
                    entry["json"] = nil
                }
                if !shown.isEmpty || products.isEmpty { index[key] = .object(entry) }
            }
            document["index"] = .object(index)
        } else {
            return .nothing
        }
        if isWhole { return .whole }
        return (try? JSONValue.object(document).bytes()).map { .part($0) } ?? .nothing
    }

    private static func shard(_ bytes: [UInt8], _ isShown: (ImageName) -> Bool) -> Extent {
        guard let shard = try? IndexShard(verified: bytes, subject: "index"),
            let images = try? shard.catalogue(subject: "index")
        else { return .nothing }
        return images.isEmpty || images.contains { isShown($0.name) } ? .whole : .nothing
    }
}
