// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport

@testable import Repository

#if canImport(Glibc)
import Glibc
#endif

/// Keys, a tree and small images of a test.
struct Workshop: Sendable {
    /// Later than any signature that these tests make by the engine's own clock, however long they run.
    static let start = Timestamp(seconds: Int64(time(nil)) + 3600)
    let top = ScratchDirectory.path
    let keys: KeyStore
    /// Another tree than the usual one.
    var place: FilePath?
    var tree: FilePath { place ?? top.appending("tree") }
    var layout: TreeLayout { TreeLayout(top: tree) }
    var publisher: Publisher { publisher(after: 0) }

    /// A publisher some days after the start.
    func publisher(after days: Int64) -> Publisher {
        var publisher = Publisher(tree: tree, keys: keys, now: Self.start.adding(seconds: days * 86400))
        // What these images call a rootfs is none.
        publisher.deltas = 0
        return publisher
    }

    /// Makes keys and an empty tree.
    init() throws {
        keys = try KeyStore.initialise(directory: ScratchDirectory.path.appending("keys"), name: "Example")
        try TreeInitialiser.initialise(tree: tree, keys: keys, id: "images.example.org", now: Self.start)
    }

    /// The tree that is there, with these keys.
    init(keys: KeyStore) { self.keys = keys }

    /// Checks the tree by the pinned key.
    func check(now: Timestamp = start) throws -> CheckReport {
        try TreeCheck(tree: tree, fingerprint: keys.root, now: now).run()
    }

    @discardableResult
    func publish(_ images: FilePath...) throws -> PublishReport {
        try publisher.publish(images: images, untested: true)
    }

    /// A directory with a build as a builder leaves it.
    func image(
        _ name: String = "debian/bookworm/amd64",
        serial: String = "20260101_05:24",
        content: UInt64 = 1,
        taints: [String] = [],
        change: (inout [String: [UInt8]]) -> Void = { _ in }
    ) throws -> FilePath {
        var random = SeededGenerator(seed: content)
        var contents: [String: [UInt8]] = [
            "rootfs.tar.xz": random.bytes(3000), "meta.tar.xz": random.bytes(300),
            "rootfs.tar.zst": random.bytes((1 << 20) + 5000), "image.yaml": Array("image:\n".utf8),
            "build.log": Array("built \(serial)\n".utf8),
        ]
        change(&contents)
        let files = contents.mapValues { bytes in
            let blocks =
                bytes.count < 1 << 20
                ? nil
                : stride(from: 0, to: bytes.count, by: 1 << 20).map {
                    SHA256Digest(hashing: Array(bytes[$0..<min($0 + 1 << 20, bytes.count)]))
                }
            return ImageDocument.File(size: bytes.count, sha256: SHA256Digest(hashing: bytes), blocks: blocks)
        }
        let document = ImageDocument(
            name: try ImageName(path: name),
            serial: try Serial(serial),
            summary: "Debian",
            created: Self.start,
            lifetime: 86400,
            files: files,
            tar: ImageDocument.Tar(
                size: 10240,
                sha256: SHA256Digest(hashing: random.bytes(8)),
                entries: 3,
                unpackedBytes: 100
            ),
            packages: [],
            inputs: [:],
            taints: taints
        )
        let directory = top.appending("image-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: false)
        for (file, bytes) in contents { try write(bytes, to: directory.appending(file)) }
        try write(try document.canonicalBytes(), to: directory.appending("image.json"))
        return directory
    }

    /// Puts a report beside an image that says it was booted.
    func addTests(to image: FilePath) throws {
        let bytes = try read(image.appending("image.json"))
        let document = try ImageDocument(verified: bytes, subject: "image.json")
        let checks = [TestReport.Check(name: "boot", outcome: .passed, milliseconds: 1)]
        let report = try TestReport(
            document,
            image: FileReference(of: bytes),
            started: Self.start,
            milliseconds: 1,
            host: [:],
            trials: [TestReport.contract, "lxc"].map { TestReport.Trial(name: $0, checks: checks) }
        )
        try write(try report.canonicalBytes(), to: image.appending(TestReport.fileName))
    }

    /// Every file of the tree that readers can see, by its path; links by their target.
    func contents() throws -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        func walk(_ relative: String) throws {
            let path = relative.isEmpty ? tree : tree.appending(relative)
            for name in try FileManager.default.contentsOfDirectory(atPath: path.string) where name != ".rootcellar" {
                let member = relative.isEmpty ? name : "\(relative)/\(name)"
                if let target = Disk.linkTarget(tree.appending(member)) {
                    result[member] = Array(target.utf8)
                } else if Disk.isDirectory(tree.appending(member)) {
                    try walk(member)
                } else {
                    result[member] = try read(tree.appending(member))
                }
            }
        }
        try walk("")
        return result
    }

    /// What lies in the hidden directory beside the lock.
    func leftovers() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: layout.staging.string)
            + (Disk.exists(layout.journal) ? ["journal"] : [])
    }
}

func read(_ path: FilePath) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path.string))) }

func write(_ bytes: [UInt8], to path: FilePath) throws { try Data(bytes).write(to: URL(filePath: path.string)) }

func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

/// Our error that `body` throws; nil if it throws none.
func failure(_ body: () throws -> Void) -> RootcellarError? {
    do { try body() } catch { return error as? RootcellarError }
    return nil
}

/// The permission bits of a file.
func mode(_ path: FilePath) -> Int {
    var status = stat()
    return unsafe lstat(path.string, &status) == 0 ? Int(status.st_mode & 0o7777) : -1
}
