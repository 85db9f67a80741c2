// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// What is in the rootfs, read once from the archive that our clients fetch.
struct RootfsListing: Sendable {
    private let kinds: [[UInt8]: TarEntry.Kind]
    /// Where symbolic links point.
    private let links: [[UInt8]: [UInt8]]
    /// Device nodes, as paths below the root.
    let devices: [String]

    /// Reads and hashes the whole archive.
    ///
    /// - Throws: if it is not the tar that the document names.
    init(_ image: TestedImage, file: String) throws(CheckFault) {
        var kinds: [[UInt8]: TarEntry.Kind] = [:]
        var links: [[UInt8]: [UInt8]] = [:]
        var devices: [String] = []
        var hasher = SHA256Hasher()
        var size = 0
        var entries = 0
        var content = 0
        try image.stream(file, limit: max(0, image.document.tar.size)) { input throws(CheckFault) in
            try finding { () throws(RootcellarError) in
                let reader = unsafe TarReader { buffer throws(RootcellarError) in
                    do throws(Errno) {
                        let count = try unsafe readSome(input, buffer)
                        unsafe hasher.update(RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[..<count])))
                        size += count
                        return count
                    } catch {
                        throw systemError(.archive, "cannot read the archive", error, subject: file)
                    }
                }
                while let entry = try reader.next() {
                    kinds[entry.path] = entry.kind
                    if entry.kind == .symbolicLink { links[entry.path] = entry.linkTarget }
                    if entry.kind == .device { devices.append(String(decoding: entry.path, as: UTF8.self)) }
                }
                entries = reader.entries
                content = reader.contentBytes
            }
        }
        let tar = image.document.tar
        guard hasher.finish() == tar.sha256, size == tar.size else {
            throw .failed("\(file) does not hold the tar that image.json names")
        }
        guard entries == tar.entries, content == tar.unpackedBytes else {
            throw .failed(
                "the tar has \(entries) members with \(content) bytes, image.json says \(tar.entries) with"
                    + " \(tar.unpackedBytes)"
            )
        }
        self.kinds = kinds
        self.links = links
        self.devices = devices
    }

    /// Whether there is something of this name, links on the way followed as inside the container.
    func exists(_ path: String) -> Bool { resolve(path) != nil }

    /// What is at a path, links followed.
    func kind(_ path: String) -> TarEntry.Kind? { resolve(path).flatMap { kinds[$0] } }

    /// What is at a path itself, a link for one.
    func kindItself(_ path: String) -> TarEntry.Kind? { kinds[Array(path.utf8.drop { $0 == 0x2F })] }

    private func resolve(_ path: String) -> [UInt8]? {
        var rest = path.utf8.split(separator: 0x2F).map { Array($0) }
        var place: [[UInt8]] = []
        var followed = 0
        while !rest.isEmpty {
            let part = rest.removeFirst()
            if part == Array(".".utf8) { continue }
            if part == Array("..".utf8) {
                _ = place.popLast()
                continue
            }
            let here = Array((place + [part]).joined(separator: [0x2F]))
            guard let kind = kinds[here] else { return nil }
            if kind == .symbolicLink, let target = links[here] {
                followed += 1
                guard followed <= 40 else { return nil }
                if target.first == 0x2F { place = [] }
                rest = target.split(separator: 0x2F).map { Array($0) } + rest
            } else {
                place.append(part)
            }
        }
        return Array(place.joined(separator: [0x2F]))
    }
}
