// SPDX-License-Identifier: Apache-2.0

import CLinux
import FoundationEssentials
import Model

/// Every image with its builds, as LXD and Incus read it. One line for each build, so that the
/// lines of what has not changed are carried over as they are, and no line is too long for GnuPG's text signatures.
struct StreamsCatalogue: Sendable {
    /// The images, sorted by name. Distributions are therefore together.
    private(set) var images: [(key: String, block: ArraySlice<UInt8>)] = []

    private static let ending = Array("\n}}\n".utf8)
    private static let blockEnd = Array("\n}}".utf8)
    private static let comma = UInt8(ascii: ",")

    /// An empty one.
    init() {}

    /// The images of several files.
    init(merging files: [StreamsCatalogue]) {
        images = files.count == 1 ? files[0].images : files.flatMap(\.images).sorted { $0.key < $1.key }
    }

    /// Reads what `bytes` wrote; nil for anything else. Only for text that was verified.
    init?(reading bytes: [UInt8]) {
        // Head, blocks that are ended by a line "}}", and such a line once more.
        guard let head = bytes.firstIndex(of: 0x0A), bytes.suffix(4).elementsEqual(Self.ending) else { return nil }
        var start = head + 1
        let end = bytes.count - 3
        while start < end {
            guard let stop = Self.endOfBlock(bytes, from: start), stop <= end else { return nil }
            let from = bytes[start] == Self.comma ? start + 1 : start
            guard bytes[from] == 0x22, let quote = bytes[(from + 1)..<stop].firstIndex(of: 0x22) else { return nil }
            images.append((String(decoding: bytes[(from + 1)..<quote], as: UTF8.self), bytes[from..<stop]))
            start = stop + 1
        }
        guard start == end, zip(images, images.dropFirst()).allSatisfy({ $0.key < $1.key }) else { return nil }
    }

    /// Behind the line `}}` that ends the block which begins at `start`.
    private static func endOfBlock(_ bytes: [UInt8], from start: Int) -> Int? {
        let position = unsafe bytes.span.bytes.extracting(droppingFirst: start).firstOffset(of: blockEnd + [0x0A])
        return position.map { start + $0 + 3 }
    }

    /// A file with some images.
    ///
    /// It has no date: so it is the same as long as the images are.
    static func bytes(_ images: [(key: String, block: ArraySlice<UInt8>)], contentID: String) -> [UInt8] {
        var result = Array(
            ("{\"content_id\":\"\(contentID)\",\"datatype\":\"image-downloads\",\"format\":\"products:1.0\","
                + "\"products\":{\n").utf8
        )
        result.reserveCapacity(result.count + images.reduce(8) { $0 + $1.block.count + 2 })
        for (number, image) in images.enumerated() {
            if number > 0 { result.append(comma) }
            result += image.block
            result.append(0x0A)
        }
        result += ending.dropFirst()
        return result
    }

    /// Whether some build of it is the image of this fingerprint.
    func contains(_ fingerprint: SHA256Digest) -> Bool {
        images.contains { Self.contains(fingerprint, in: $0.block) }
    }

    /// Whether some build that is told of in `text` is the image of this fingerprint.
    static func contains(_ fingerprint: SHA256Digest, in text: ArraySlice<UInt8>) -> Bool {
        unsafe text.span.bytes.firstOffset(of: Array("_sha256\":\"\(fingerprint)\"".utf8)) != nil
    }

    /// Bytes of all images.
    var size: Int { images.reduce(0) { $0 + $1.block.count } }

    /// Puts other images in the place of all of a distribution's.
    mutating func replace(_ distribution: String, by new: [(key: String, block: ArraySlice<UInt8>)]) {
        let prefix = distribution + ":"
        let first = images.firstIndex { $0.key >= prefix } ?? images.count
        let count = images[first...].prefix { $0.key.hasPrefix(prefix) }.count
        images.replaceSubrange(first..<(first + count), with: new)
    }

    /// Puts one image in its place, or takes it out.
    mutating func set(_ key: String, to block: ArraySlice<UInt8>?) {
        let at = position(key)
        let isThere = at < images.count && images[at].key == key
        let new: [(key: String, block: ArraySlice<UInt8>)] = block.map { [(key: key, block: $0)] } ?? []
        images.replaceSubrange(at..<(isThere ? at + 1 : at), with: new)
    }

    /// One image of a catalogue.
    struct Image {
        /// The lines of its builds by their serials.
        var lines: [String: ArraySlice<UInt8>] = [:]
        /// The newest serial.
        var newest: String?
        var requirements: [String: String]
    }

    /// What is said of an image; nil for nothing.
    func builds(of key: String) -> Image? {
        guard let block = image(key) else { return nil }
        let all = block.split(separator: 0x0A)
        guard let head = all.first, let colon = head.firstIndex(of: UInt8(ascii: "{")) else { return nil }
        let object = Data(head[colon...]) + Data("}}".utf8)
        guard let found = try? JSONDecoder().decode(Head.self, from: object) else { return nil }
        var image = Image(requirements: found.requirements)
        for line in all.dropFirst().dropLast() {
            let content = line.first == Self.comma ? line.dropFirst() : line
            let serial = String(decoding: content.dropFirst().prefix { $0 != 0x22 }, as: UTF8.self)
            image.lines[serial] = content
            image.newest = serial
        }
        return image
    }

    /// The serial of the build that a build's delta is from; nil if it has none.
    static func deltaBase(_ line: ArraySlice<UInt8>) -> String? {
        let word = Array("\"delta_base\":\"".utf8)
        let position = unsafe line.span.bytes.firstOffset(of: word)
        guard let position else { return nil }
        return String(decoding: line.dropFirst(position + word.count).prefix { $0 != 0x22 }, as: UTF8.self)
    }

    private struct Head: Decodable { var requirements: [String: String] }

    private func image(_ key: String) -> ArraySlice<UInt8>? {
        let at = position(key)
        return at < images.count && images[at].key == key ? images[at].block : nil
    }

    /// Where an image is or would be.
    private func position(_ key: String) -> Int {
        var (low, high) = (0, images.count)
        while low < high {
            let middle = (low + high) / 2
            if images[middle].key < key { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The fingerprints that a build's line names, each once.
    static func fingerprints(_ line: ArraySlice<UInt8>) -> Set<String> {
        let text = String(decoding: line, as: UTF8.self)
        return Set(text.matches(of: /"combined_[a-z_]*sha256":"([0-9a-f]{64})"/).map { String($0.1) })
    }

    /// The name of an image in the catalogue.
    static func key(_ name: ImageName) -> String {
        "\(name.distribution):\(name.release):\(name.architecture):\(name.variant)"
    }

    /// All that is said of an image.
    static func block(
        _ name: ImageName,
        aliases: [String],
        requirements: [String: String],
        lines: [some Collection<UInt8>]
    ) -> ArraySlice<UInt8> {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let wanted = (try? encoder.encode(requirements)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
        let system = name.distribution.prefix(1).uppercased() + name.distribution.dropFirst()
        let fields = [
            "\"aliases\":\"\(aliases.joined(separator: ","))\"", "\"arch\":\"\(name.architecture)\"",
            "\"lxd_requirements\":\(wanted)", "\"os\":\"\(system)\"", "\"release\":\"\(name.release)\"",
            "\"release_title\":\"\(name.release)\"", "\"requirements\":\(wanted)", "\"variant\":\"\(name.variant)\"",
            "\"versions\":{",
        ]
        var result = Array("\"\(key(name))\":{\(fields.joined(separator: ","))\n".utf8)
        for (number, line) in lines.enumerated() {
            if number > 0 { result.append(comma) }
            result += line
            result.append(0x0A)
        }
        result += blockEnd.dropFirst()
        return result[...]
    }
}

extension RawSpan {
    /// Where `word` begins first; nil if it is not in here.
    func firstOffset(of word: [UInt8]) -> Int? {
        let offset = unsafe withUnsafeBytes { unsafe clinux_find($0.baseAddress, $0.count, word, word.count) }
        return offset < 0 ? nil : offset
    }
}
