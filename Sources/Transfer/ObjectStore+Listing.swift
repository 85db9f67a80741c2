// SPDX-License-Identifier: Apache-2.0

package import Model

extension ObjectStore {
    /// An object of the tree.
    package struct Entry: Sendable, Hashable {
        package let path: String
        package let size: Int
    }

    /// Everything whose path begins with `start`, a thousand entries in a request.
    ///
    /// - Parameter most: stops after so many.
    /// - Throws: `TRANSPORT`, also for names that cannot be of a tree; `POLICY`, `REPOSITORY`.
    package func list(_ start: String, most: Int = .max) throws(RootcellarError) -> [Entry] {
        var entries: [Entry] = []
        var token: [(String, String)] = []
        while true {
            let count = min(1000, most - entries.count)
            let query = [
                ("encoding-type", "url"), ("list-type", "2"), ("max-keys", String(count)),
                ("prefix", address.key(of: start)),
            ]
            let answer = try page("ListBucketResult", query + token)
            for object in answer.all("Contents") {
                guard let name = try key(object, answer), let path = address.path(ofKey: name),
                    let size = object["Size"].flatMap({ decimalNumber($0) })
                else { throw unusable("objects") }
                entries.append(Entry(path: path, size: size))
            }
            guard answer["IsTruncated"] == "true", entries.count < most else { return entries }
            guard let next = answer["NextContinuationToken"], !next.isEmpty, token.first?.1 != next else {
                throw unusable("objects")
            }
            token = [("continuation-token", next)]
        }
    }

    /// The size of an object; nil if there is none.
    package func size(of path: String) throws(RootcellarError) -> Int? {
        // The object itself comes before all others that its name begins.
        try list(path, most: 1).first { $0.path == path }?.size
    }

    /// One page of a list.
    func page(_ name: String, _ query: [(String, String)]) throws(RootcellarError) -> MarkupElement {
        let (head, body) = try ask("GET", address.bucketURL(query: query))
        guard head.status == 200 else {
            throw StoreRefusal(status: head.status, body: head.refusal).error(address, address.description)
        }
        return try document(name, body, status: head.status, address.description)
    }

    /// The name of an object in a list.
    func key(_ entry: MarkupElement, _ answer: MarkupElement) throws(RootcellarError) -> String? {
        guard let text = entry["Key"] else { return nil }
        return try decoded(text, answer)
    }

    /// A name as it is; stores that do not know how to escape names say so by saying nothing.
    func decoded(_ text: String, _ answer: MarkupElement) throws(RootcellarError) -> String? {
        guard answer["EncodingType"] == "url" else { return text }
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            switch byte {
            case 0x25:
                let digits = String(decoding: rest.prefix(2), as: UTF8.self)
                guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16), !digits.hasPrefix("+") else {
                    return nil
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            case 0x2B: bytes.append(0x20)  // as in forms
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    func unusable(_ what: String) -> RootcellarError {
        RootcellarError(
            .transport,
            "the object store's answer about \(what) cannot be used",
            subject: address.description,
            hint: "it may not be a store of the S3 kind"
        )
    }
}
