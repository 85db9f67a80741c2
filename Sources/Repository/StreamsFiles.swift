// SPDX-License-Identifier: Apache-2.0

import Model
import OpenPGP

/// The files that a catalogue is published in: one while it is small, else as many that a publication, which changes a few
/// images, has to write and sign about a megabyte.
///
/// Everything follows from the catalogue alone, so that it can be made anew and compared. An image is in the file
/// that its name chooses, whatever else there is. LXD, Incus and mirrors put the products of all files together; their
/// names have to differ, also from those of a division into another number, because daemons keep what they read by it.
struct StreamsFiles {
    /// One file with some of the images.
    struct Part {
        /// Without an ending.
        let name: String
        /// Nil for a file that is in force already.
        let json: [UInt8]?
        let reference: FileReference
        /// The names of its images.
        let keys: [String]
    }

    let parts: [Part]
    private let updated: Timestamp

    /// Bytes of catalogue for which one file is enough.
    static let partSize = 1 << 20
    private static let mostParts = 64

    /// Divides a catalogue.
    ///
    /// - Parameter partSize: for tests.
    init(_ catalogue: StreamsCatalogue, updated: Timestamp, partSize: Int = partSize) {
        self.init(catalogue, updated: updated, count: Self.count(for: catalogue.size, partSize: partSize))
    }

    /// How many files so many bytes of images are divided into.
    static func count(for size: Int, partSize: Int) -> Int {
        var count = 1
        while count < mostParts, size / count > partSize { count *= 2 }
        return count
    }

    /// Divides a catalogue into a number of files.
    init(_ catalogue: StreamsCatalogue, updated: Timestamp, count: Int) {
        var images = [[(key: String, block: ArraySlice<UInt8>)]](repeating: [], count: count)
        for image in catalogue.images { images[Self.number(image.key, of: count)].append(image) }
        self.init(images.enumerated().compactMap { Self.part($1, $0, of: count) }, updated: updated)
    }

    /// These files, in the order of their numbers.
    init(_ parts: [Part], updated: Timestamp) {
        self.parts = parts
        self.updated = updated
    }

    /// One of several files; nil if it is not needed: what no entry of the index names would be read by nobody.
    static func part(_ images: [(key: String, block: ArraySlice<UInt8>)], _ number: Int, of count: Int) -> Part? {
        if count > 1, images.isEmpty { return nil }
        let name = count == 1 ? "images" : "images-\(number + 1)of\(count)"
        let json = StreamsCatalogue.bytes(images, contentID: name)
        return Part(name: name, json: json, reference: FileReference(of: json), keys: images.map(\.key))
    }

    /// The number that stands in the name of a file, from 0.
    static func number(ofFile name: String) -> Int {
        let word = name.dropFirst("images-".count).prefix { $0 != "o" }
        return name == "images" ? 0 : (Int(word) ?? 0) - 1
    }

    /// Bytes of images in a file that was made by `part`.
    static func size(of part: StreamsIndex.Part) -> Int {
        part.reference.size - StreamsCatalogue.bytes([], contentID: part.name).count - 2 * part.products.count + 1
    }

    /// `index.json`, or the form that a reader of signed files starts at. It names each file also by its hash, which we alone
    /// read: so the one hash in the manifest stands for all of them.
    func index(isSigned: Bool) -> [UInt8] {
        let date = updated.internetDate
        var text = "{\"format\":\"index:1.0\",\"updated\":\"\(date)\",\"index\":{\n"
        // An entry without images would be skipped by some and refused by others.
        let entries = parts.filter { !$0.keys.isEmpty }.map { part in
            "\"\(part.name)\":{\"datatype\":\"image-downloads\",\"format\":\"products:1.0\","
                + "\"json\":{\"sha256\":\"\(part.reference.sha256)\",\"size\":\(part.reference.size)},"
                + "\"path\":\"\(TreePath.streams)/\(part.name).\(isSigned ? "sjson" : "json")\","
                + "\"updated\":\"\(date)\",\"products\":[\n"
                + part.keys.map { "\"\($0)\"" }.joined(separator: ",\n") + "]}\n"
        }
        text += entries.joined(separator: ",")
        return Array((text + "}}\n").utf8)
    }

    /// What stands in files that are not signatures, by name.
    var contents: [String: [UInt8]] {
        var contents = ["index.json": index(isSigned: false), "index.sjson": index(isSigned: true)]
        for part in parts { if let json = part.json { contents["\(part.name).json"] = json } }
        return contents
    }

    /// The names of all files without their endings.
    var names: [String] { ["index"] + parts.map(\.name) }

    /// FNV-1a of a name, which is the same on every machine and in every version.
    static func number(_ key: String, of count: Int) -> Int {
        let hash = key.utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
        // The low bits alone would be poor.
        return Int((hash ^ (hash >> 16)) % UInt32(count))
    }
}
