// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model

/// What our own `streams/v1/index.json` says of the files beside it.
struct StreamsIndex {
    /// The files, sorted by name.
    let parts: [Part]

    /// What is said of one file.
    struct Part: Sendable {
        /// Without an ending.
        let name: String
        let reference: FileReference
        /// The names of its images.
        let products: [String]
    }

    /// Into how many files the catalogue is divided; some may have no images and stand nowhere.
    var count: Int {
        let words = parts.first?.name.split(separator: "f") ?? []
        return words.count == 2 ? min(max(Int(words[1]) ?? 1, 1), 4096) : 1
    }

    /// The names of all files but the index; an empty catalogue has one, too.
    var names: [String] { parts.isEmpty ? ["images"] : parts.map(\.name) }

    private struct Document: Decodable {
        struct Entry: Decodable {
            var json: FileReference
            var products: [String]?
        }
        var index: [String: Entry]
    }

    /// Reads it; nil for anything else. Only for text that was verified.
    init?(reading bytes: [UInt8]) {
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)) else { return nil }
        parts = document.index.sorted { $0.key < $1.key }.map {
            Part(name: $0.key, reference: $0.value.json, products: $0.value.products ?? [])
        }
        let isPlain = parts.allSatisfy { part in
            !part.name.isEmpty
                && part.name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2D }
        }
        guard isPlain else { return nil }
    }
}
