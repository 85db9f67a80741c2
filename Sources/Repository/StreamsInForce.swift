// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// The catalogue in force, of which only the files are taken apart whose images a publication changes: so what that
/// costs does not grow with the others.
struct StreamsInForce: Sendable {
    private let directory: FlippedDirectory
    /// By the numbers of the files.
    private let parts: [Int: StreamsIndex.Part]
    /// Into how many files it is divided.
    private let count: Int
    private var read: [Int: StreamsCatalogue] = [:]

    /// Nil where it is not that of the manifest in force, or cannot be believed.
    init?(_ streams: Streams, of tree: CurrentTree) {
        guard streams.directory.version == tree.manifest.version, tree.manifest.streams != nil,
            let index = streams.index(tree)
        else { return nil }
        directory = streams.directory
        count = index.count
        var parts: [Int: StreamsIndex.Part] = [:]
        for part in index.parts { parts[StreamsFiles.number(ofFile: part.name)] = part }
        guard parts.count == index.parts.count, parts.keys.allSatisfy({ (0..<index.count).contains($0) }) else {
            return nil
        }
        self.parts = parts
    }

    /// Reads every file once.
    ///
    /// - Parameter fingerprints: images to look for.
    /// - Returns: the first of them that is there; whether each file is what the index says.
    func search(_ fingerprints: [SHA256Digest]) -> (found: SHA256Digest?, isSound: Bool) {
        var found: SHA256Digest?
        for part in parts.values {
            guard let bytes = bytes(part) else { return (found, false) }
            found = found ?? fingerprints.first { StreamsCatalogue.contains($0, in: bytes[...]) }
        }
        return (found, true)
    }

    /// The names of a distribution's images that are in it.
    func listed(_ distribution: String) -> Set<String> {
        let prefix = "\(distribution):"
        return Set(parts.values.flatMap { part in part.products.filter { $0.hasPrefix(prefix) } })
    }

    /// The file that an image is or would be in; nil if it cannot be read.
    mutating func catalogue(holding key: String) -> StreamsCatalogue? {
        catalogue(StreamsFiles.number(key, of: count))
    }

    private mutating func catalogue(_ number: Int) -> StreamsCatalogue? {
        if let known = read[number] { return known }
        guard let part = parts[number] else { return StreamsCatalogue() }
        let made = bytes(part).flatMap { StreamsCatalogue(reading: $0) }
        read[number] = made
        return made
    }

    private func bytes(_ part: StreamsIndex.Part) -> [UInt8]? {
        let file = directory.link.appending("\(part.name).json")
        guard let bytes = try? Disk.read(file, limit: max(part.reference.size, 0)),
            (try? part.reference.check(bytes, subject: file.string)) != nil
        else { return nil }
        return bytes
    }

    /// The next catalogue.
    ///
    /// - Parameter changes: images that are different in it, nil for those that are gone; their files were asked for before.
    /// - Returns: nil if a file cannot be read.
    mutating func files(
        changing changes: [String: ArraySlice<UInt8>?],
        updated: Timestamp,
        partSize: Int
    ) -> StreamsFiles? {
        var changed: [Int: StreamsCatalogue] = [:]
        for (key, block) in changes {
            let number = StreamsFiles.number(key, of: count)
            guard var images = changed[number] ?? catalogue(number) else { return nil }
            images.set(key, to: block)
            changed[number] = images
        }
        var size = changed.values.reduce(0) { $0 + $1.size }
        for (number, part) in parts where changed[number] == nil { size += StreamsFiles.size(of: part) }
        guard StreamsFiles.count(for: size, partSize: partSize) == count else {
            for number in parts.keys where changed[number] == nil {
                guard let images = catalogue(number) else { return nil }
                changed[number] = images
            }
            let whole = StreamsCatalogue(merging: Array(changed.values))
            return StreamsFiles(whole, updated: updated, partSize: partSize)
        }
        let numbers = Set(parts.keys).union(changed.keys).union(count == 1 ? [0] : []).sorted()
        let made = numbers.compactMap { number -> StreamsFiles.Part? in
            if let images = changed[number] { return StreamsFiles.part(images.images, number, of: count) }
            guard let part = parts[number] else { return StreamsFiles.part([], number, of: count) }
            return StreamsFiles.Part(name: part.name, json: nil, reference: part.reference, keys: part.products)
        }
        return StreamsFiles(made, updated: updated)
    }
}
