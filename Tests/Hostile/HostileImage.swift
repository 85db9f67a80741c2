// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// An image whose rootfs is an attack, and what its document says about it.
struct HostileImage: Sendable {
    /// A packed file that no packer would write.
    struct Raw: Sendable {
        enum Kind: String, Sendable { case xz, zstd = "zst" }

        var kind: Kind
        /// How much of the packed file is there.
        var part = 1.0
        /// Packed twice.
        var isTwice = false
        var trailing: [UInt8] = []
        /// What the header says about the dictionary, in xz's code; nil for what is true.
        var dictionary: UInt8?
        /// The file, instead of a packed tar.
        var bytes: [UInt8]?
    }

    var name: String
    var bytes: [UInt8]
    var entries: Int
    var content: Int
    /// What the document says of the size of the tar; nil for what is true.
    var size: Int?
    var raw: Raw?
    /// What runs the client.
    var script: String?

    init(_ name: String, _ tar: RawTar) {
        self.name = name
        bytes = tar.finished
        entries = tar.entries
        content = tar.content
    }

    init(_ name: String, _ make: (inout RawTar) -> Void) {
        var tar = RawTar()
        make(&tar)
        self.init(name, tar)
    }

    var path: String { "hostile/\(name)/amd64" }

    /// Makes the image's directory.
    func write(to directory: FilePath) async throws -> FilePath {
        var image = SyntheticImage()
        image.name = path
        image.tar = (bytes, entries, content, size)
        try await image.write(to: directory)
        guard let raw else { return directory }
        let file = directory.appending("rootfs.tar.\(raw.kind.rawValue)")
        var packed = try raw.bytes ?? SiteSupport.read(file)
        if raw.isTwice {
            _ = try await Programs.shell("zstd -q -f \"$1\" -o \"$1.2\"", file.string)
            packed = try SiteSupport.read(FilePath(file.string + ".2"))
            removeTree(FilePath(file.string + ".2"))
        }
        if let code = raw.dictionary {
            // Stream header: 12 bytes. Block header: its size, flags, filter 0x21, one property, the code, padding, CRC.
            let length = (Int(packed[12]) + 1) * 4
            packed[16] = code
            let sum = Self.checksum(packed[12..<(12 + length - 4)])
            for index in 0..<4 { packed[12 + length - 4 + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
        }
        packed = Array(packed.prefix(max(1, Int(Double(packed.count) * raw.part)))) + raw.trailing
        try SiteSupport.write(packed, to: file)
        let other = raw.kind == .xz ? "rootfs.tar.zst" : "rootfs.tar.xz"
        let path = directory.appending(ImageDocument.fileName)
        var document = try ImageDocument(verified: SiteSupport.read(path), subject: "image")
        document.files["rootfs.tar.\(raw.kind.rawValue)"] = try HashedFile.read(file)
        if raw.kind == .xz {
            document.files[other] = nil
            removeTree(directory.appending(other))
        }
        try SiteSupport.write(try document.canonicalBytes(), to: path)
        return directory
    }

    /// CRC-32 as xz has it (ISO 3309).
    private static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var sum: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? (sum >> 1) ^ 0xEDB8_8320 : sum >> 1 }
        }
        return ~sum
    }
}

extension HostileImageTests {
    /// Makes the place that nothing may change.
    func prepareOutside() async throws -> Snapshot {
        let outside = ScratchDirectory.path.appending("outside")
        try makeDirectory(outside)
        try write("canary\n".utf8, to: outside.appending("canary"))
        return try await Snapshot(outside)
    }

    /// Publishes images and creates containers of them.
    private func create(
        _ images: [HostileImage],
        script: String? = nil,
        _ body: (HostileImage, Creation) async throws -> Void
    ) async throws {
        let top = ScratchDirectory.path.appending("site-\(UInt32.random(in: 0 ... .max))")
        let site = try await Site(in: top)
        var directories: [FilePath] = []
        for image in images { directories.append(try await image.write(to: site.top.appending(image.name))) }
        try await runProgram(Programs.directory.appending("rootcellar").string, site.publication(directories))
            .succeeded()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost("host-\(UInt32.random(in: 0 ... .max))")
            try await host.trust(server, site)
            for image in images {
                let creation = try await host.download(server, image.path, script: script ?? image.script)
                try await body(image, creation)
            }
        }
    }

    /// Expects that all of them are refused and nothing has changed.
    func refuse(
        _ images: [HostileImage],
        script: String? = nil,
        classes: Set<String> = ["ARCHIVE"],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let before = try await prepareOutside()
        let outside = ScratchDirectory.path.appending("outside")
        try await create(images, script: script) { image, creation in
            let comment = Comment(rawValue: "\(image.name): \(creation.result.status) \(creation.result.errors)")
            let line = creation.result.errorLine ?? ""
            #expect(
                classes.contains { line.hasPrefix("rootcellar: \($0): ") },
                comment,
                sourceLocation: sourceLocation
            )
            #expect(
                creation.result.status == (line.hasPrefix("rootcellar: META") ? 18 : 17),
                comment,
                sourceLocation: sourceLocation
            )
            #expect(
                creation.result.errors.allSatisfy { $0 == "\n" || $0 >= " " },
                comment,
                sourceLocation: sourceLocation
            )
            let isUntouched = try creation.isUntouched
            #expect(isUntouched, comment, sourceLocation: sourceLocation)
            let differences = try await Snapshot(outside).differences(from: before)
            #expect(differences == [], comment, sourceLocation: sourceLocation)
        }
    }

    /// Expects that a container is made of one.
    func accept(_ image: HostileImage, _ body: (Creation) async throws -> Void) async throws {
        try await create([image]) { _, creation in
            try creation.result.succeeded()
            try await body(creation)
        }
    }

    /// What comes of one.
    func outcome(of image: HostileImage) async throws -> Creation {
        var result: Creation?
        try await create([image]) { _, creation in result = creation }
        guard let result else { throw Unexpected(what: "no creation") }
        return result
    }
}
