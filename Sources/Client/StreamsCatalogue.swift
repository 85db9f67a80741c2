// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Model

/// A simplestreams catalogue, as LXD and Incus read it: only what a container of LXC can be made of, only the newest
/// build of each image, and only with a hash.
package struct StreamsCatalogue {
    package private(set) var builds: [PlainBuild] = []

    private struct Catalogue: Decodable {
        var products: [String: Product]
    }

    private struct Product: Decodable {
        var arch: String?
        var os: String?
        var release: String?
        var variant: String?
        var versions: [String: Version]
    }

    private struct Version: Decodable {
        var items: [String: Item]?
    }

    private struct Item: Decodable {
        var ftype: String?
        var path: String?
        var sha256: String?
        var size: Int?
    }

    private struct Index: Decodable {
        struct Entry: Decodable {
            var datatype: String?
            var path: String?
        }
        var index: [String: Entry]
    }

    /// The paths of the catalogues that an index names, in the order of its keys.
    ///
    /// - Throws: `BINDING`.
    package static func paths(index bytes: [UInt8], subject: String) throws(RootcellarError) -> [String] {
        let index: Index = try decode(bytes, subject)
        return index.index.sorted { $0.key < $1.key }
            .filter { $0.value.datatype == "image-downloads" }
            .compactMap(\.value.path)
    }

    /// Reads a catalogue.
    ///
    /// - Throws: `BINDING`.
    package init(_ bytes: [UInt8], subject: String) throws(RootcellarError) {
        let catalogue: Catalogue = try Self.decode(bytes, subject)
        for (key, product) in catalogue.products.sorted(by: { $0.key < $1.key }) {
            guard let name = Self.name(key, product) else { continue }
            let newest = product.versions.keys.sorted(by: >).lazy
                .compactMap { serial in Self.build(name, serial, product.versions[serial]?.items ?? [:]) }.first
            if let newest { builds.append(newest) }
        }
    }

    private static func decode<Value: Decodable>(_ bytes: [UInt8], _ subject: String) throws(RootcellarError) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw RootcellarError(.binding, "not a simplestreams document", subject: subject)
        }
    }

    /// `distribution:release:architecture:variant`, or what the product says of itself.
    private static func name(_ key: String, _ product: Product) -> ImageName? {
        let parts = key.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        if parts.count == 4,
            product.arch.map({ $0 == parts[2] }) ?? true,
            let name = try? ImageName(
                distribution: parts[0],
                release: parts[1],
                architecture: parts[2],
                variant: parts[3]
            )
        {
            return name
        }
        return try? ImageName(
            distribution: (product.os ?? "").lowercased(),
            release: product.release ?? "",
            architecture: product.arch ?? "",
            variant: product.variant ?? "default"
        )
    }

    private static func build(_ name: ImageName, _ serial: String, _ items: [String: Item]) -> PlainBuild? {
        guard PlainBuild.isSerial(serial), serial.utf8.count >= 8,
            serial.utf8.prefix(8).allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        func file(_ types: [String]) -> PlainBuild.File? {
            for (_, item) in items.sorted(by: { $0.key < $1.key }) {
                guard let type = item.ftype, types.contains(type), let path = item.path,
                    let digest = item.sha256.flatMap(SHA256Digest.init(hex:)), (item.size ?? 1) > 0
                else { continue }
                return PlainBuild.File(path: path, size: item.size, sha256: digest)
            }
            return nil
        }
        guard let rootfs = file(["root.tar.xz", "rootfs.tar.xz"]) else { return nil }
        return PlainBuild(name: name, serial: serial, rootfs: rootfs, metadata: file(["meta.tar.xz"]))
    }
}
