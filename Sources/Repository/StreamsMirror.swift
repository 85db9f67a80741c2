// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// Copies the simplestreams of another server, of whatever make, for LXD and Incus. Its catalogue is believed because
/// the connection is; every file by the size and the hash in it. Files come first, then the catalogues, then the index.
package struct StreamsMirror {
    private let source: any TreeSource
    private let layout: TreeLayout
    private let now: Timestamp
    /// Told what is going on.
    package var narrate: (String) -> Void = { _ in }

    private static let index = "streams/v1/index.json"
    /// How long a file stays when no catalogue names it any more: clients keep a catalogue for an hour, and mirrors longer.
    private static let grace: Int64 = 86400

    private struct Item: Hashable {
        var path: String
        var reference: FileReference
    }

    /// What is not named any more, and since when.
    private struct Dropped: Document {
        static let title = "list of dropped files"
        var format = documentFormat
        var files: [String: Timestamp] = [:]
        var listed: [String] = []
    }

    /// - Parameters:
    ///   - source: where it comes from.
    ///   - tree: a directory of its own; made if it does not exist.
    ///   - now: the clock.
    package init(source: any TreeSource, tree: FilePath, now: Timestamp) {
        self.source = source
        layout = TreeLayout(top: tree)
        self.now = now
    }

    /// Copies what a filter accepts.
    ///
    /// - Throws: `TRANSPORT`, `SIZE`, `HASH`; `BINDING` for a catalogue that cannot be used; `REPOSITORY`.
    package func run(_ filter: MirrorFilter) throws(RootcellarError) -> MirrorReport {
        try Disk.makeDirectory(layout.top)
        guard !Disk.exists(layout.path("rootcellar")) else {
            throw RootcellarError(
                .repository,
                "this is a signed tree",
                subject: layout.top.string,
                hint: "give the copy a directory of its own"
            )
        }
        try Disk.makeDirectory(layout.top.appending(TreeLayout.hidden))
        let lock = try TreeLock(layout, waiting: 60)
        defer { withExtendedLifetime(lock) {} }
        let download = try BuildDownload(source, layout)
        try Journal.recover(layout, current: 0)

        let index = try json(Self.index, limit: 16 << 20, download)
        var documents: [(path: String, bytes: [UInt8])] = []
        var items: Set<Item> = []
        for (_, entry) in (index.value["index"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard entry["datatype"]?.string == "image-downloads", let path = entry["path"]?.string else { continue }
            try checkPath(path, isDocument: true)
            let catalogue = try json(path, limit: 256 << 20, download)
            let kept = try filtered(catalogue.value, filter, path, &items)
            documents.append((path, filter.isEmpty ? catalogue.bytes : try kept.bytes()))
        }
        guard !documents.isEmpty else { throw broken("no catalogue of images", Self.index) }
        documents.append((Self.index, index.bytes))

        var report = MirrorReport(server: source.address, source: 0, manifest: 0, validUntil: now)
        for (number, item) in items.sorted(by: { $0.path < $1.path }).enumerated() {
            let target = layout.path(item.path)
            if Disk.exists(target), (try? isRight(target, item.reference)) == true { continue }
            narrate("\(number + 1) of \(items.count): \(item.path)")
            let staged = download.directory(item.path)
            try download.fetch(item.path, item.reference, to: staged)
            try layout.put(staged, at: item.path)
            report.added.append(item.path)
        }
        for (path, bytes) in documents { try layout.put(bytes, at: path) }
        report.removed = try sweep(items.map(\.path))
        report.transferred = download.transferred
        try download.sweep(keeping: [])
        return report
    }

    // MARK: - Catalogues

    private func json(
        _ path: String,
        limit: Int,
        _ download: BuildDownload
    ) throws(RootcellarError) -> (value: JSONValue, bytes: [UInt8]) {
        let bytes = try download.small(path, limit: limit)
        guard let value = JSONValue(reading: bytes), value.object != nil else { throw broken("not JSON", path) }
        return (value, bytes)
    }

    /// The catalogue with the products and versions that are wanted, whose files are added to `items`.
    private func filtered(
        _ catalogue: JSONValue,
        _ filter: MirrorFilter,
        _ path: String,
        _ items: inout Set<Item>
    ) throws(RootcellarError) -> JSONValue {
        guard var top = catalogue.object, let products = top["products"]?.object else {
            throw broken("no products", path)
        }
        var kept: [String: JSONValue] = [:]
        for (name, product) in products {
            guard var fields = product.object, accepts(fields, filter), let versions = fields["versions"]?.object else {
                continue
            }
            let serials = versions.keys.sorted().suffix(filter.serials ?? .max)
            for serial in serials {
                for (_, item) in versions[serial]?["items"]?.object ?? [:] {
                    items.insert(try self.item(item, "\(name) \(serial)"))
                }
            }
            fields["versions"] = .object(versions.filter { serials.contains($0.key) })
            kept[name] = .object(fields)
        }
        top["products"] = .object(kept)
        return .object(top)
    }

    private func accepts(_ product: [String: JSONValue], _ filter: MirrorFilter) -> Bool {
        func accepts(_ wanted: Set<String>, _ key: String, _ otherwise: String = "") -> Bool {
            wanted.isEmpty || wanted.contains((product[key]?.string ?? otherwise).lowercased())
        }
        return accepts(filter.distributions, "os") && accepts(filter.releases, "release")
            && accepts(filter.architectures, "arch") && accepts(filter.variants, "variant", "default")
    }

    private func item(_ item: JSONValue, _ subject: String) throws(RootcellarError) -> Item {
        guard let path = item["path"]?.string, let size = item["size"]?.integer, size >= 0,
            let hash = item["sha256"]?.string.flatMap({ SHA256Digest(hex: $0) })
        else { throw broken("a file without path, size or hash", subject) }
        try checkPath(path, isDocument: false)
        return Item(path: path, reference: FileReference(size: size, sha256: hash))
    }

    /// A path below the top, of visible names; images and catalogues cannot take each other's place.
    private func checkPath(_ path: String, isDocument: Bool) throws(RootcellarError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let isClean = parts.allSatisfy { part in
            (1...255).contains(part.utf8.count) && part.first != "."
                && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !Array("%?#\\\"<>^`{|}".utf8).contains($0) }
        }
        guard isClean, path.utf8.count <= 4096, (parts[0] == "streams") == isDocument else {
            throw broken("not a path of a file that can be copied", path)
        }
    }

    private func broken(_ why: String, _ subject: String) -> RootcellarError {
        RootcellarError(.binding, "the catalogue cannot be used (\(why))", subject: subject)
    }

    // MARK: - Files

    private func isRight(_ path: FilePath, _ reference: FileReference) throws(RootcellarError) -> Bool {
        guard CheckState.Stamp(path)?.size == reference.size else { return false }
        let file = try Disk.open(path)
        defer { try? file.close() }
        var hasher = SHA256Hasher()
        try file.deliver(from: 0, count: reference.size, subject: path) { hasher.update($0) }
        return hasher.finish() == reference.sha256
    }

    /// Takes away what no catalogue has named for a day.
    private func sweep(_ listed: [String]) throws(RootcellarError) -> [String] {
        let path = layout.top.appending(TreeLayout.hidden).appending("dropped.json")
        var state = Dropped()
        if Disk.exists(path) {
            state = (try? Dropped(verified: Disk.read(path, limit: 64 << 20), subject: path.string)) ?? state
        }
        let current = Set(listed)
        for old in state.listed where !current.contains(old) && state.files[old] == nil { state.files[old] = now }
        var removed: [String] = []
        for (old, since) in state.files {
            if current.contains(old) {
                state.files[old] = nil
            } else if since.adding(seconds: Self.grace) <= now {
                try Disk.remove(layout.path(old))
                state.files[old] = nil
                removed.append(old)
            }
        }
        state.listed = current.sorted()
        let temporary = layout.staging.appending("dropped")
        try Disk.write(try state.canonicalBytes(), to: temporary)
        try Disk.rename(temporary, to: path)
        return removed.sorted()
    }
}
