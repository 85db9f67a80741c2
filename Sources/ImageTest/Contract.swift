// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
import Model
import SystemPackage

/// What the files of an image promise to the programs that read them, looked at without booting anything.
struct Contract {
    let image: TestedImage
    let record: TrialRecord
    let now: Timestamp
    /// Where this machine's LXC has the files that a container's configuration may include.
    var lxcConfiguration = FilePath("/usr/share/lxc/config")

    /// The most seconds that an image may call itself fresh: ten years is a mistake of units.
    static let longestLife: Int64 = 10 * 366 * 86400

    /// Looks at everything, but the content of what stock clients fetch: xz takes its time, and meanwhile the image boots.
    ///
    /// - Returns: ends the check of that.
    func run() -> () -> Void {
        let stock = Handover()
        let thread = WorkerThread { [image] in stock.run { () throws(RootcellarError) in try Self.hashStock(image) } }
        record.check("files") { () throws(CheckFault) in try files() }
        var listing: RootfsListing?
        record.check("rootfs") { () throws(CheckFault) in
            let file = image.document.files["rootfs.tar.zst"] == nil ? "rootfs.tar.xz" : "rootfs.tar.zst"
            let found = try RootfsListing(image, file: file)
            listing = found
            return try self.rootfs(found)
        }
        record.check("metadata for LXC") { () throws(CheckFault) in try lxc(listing) }
        record.check("metadata for LXD and Incus") { () throws(CheckFault) in try instances() }
        return {
            record.check("rootfs.tar.xz") { () throws(CheckFault) in
                thread.join()
                if let error = stock.error { throw CheckFault(error) }
                return nil
            }
        }
    }

    private func files() throws(CheckFault) -> String? {
        for (name, expected) in image.document.files.sorted(by: { $0.key < $1.key }) {
            let found = try finding { () throws(RootcellarError) in try HashedFile.read(image.path(name)) }
            guard found.size == expected.size, found.sha256 == expected.sha256 else {
                throw .failed("\(name) is not the file that image.json names")
            }
            if let blocks = expected.blocks, blocks != found.blocks {
                throw .failed("the block hashes of \(name) are not those of the file")
            }
        }
        for name in ["rootfs.tar.xz", "meta.tar.xz"] where image.document.files[name] == nil {
            throw .failed("there is no \(name), which LXC needs")
        }
        return "\(image.document.files.count) files"
    }

    private static func hashStock(_ image: TestedImage) throws(RootcellarError) {
        do throws(CheckFault) {
            try image.stream("rootfs.tar.xz", limit: max(0, image.document.tar.size)) { input throws(CheckFault) in
                var hasher = SHA256Hasher()
                var buffer = [UInt8](repeating: 0, count: 1 << 20)
                while true {
                    let count = try finding("read") { () throws(Errno) in try readBlock(input, &buffer) }
                    if count == 0 { break }
                    hasher.update(unsafe buffer.span.bytes.extracting(first: count))
                }
                guard hasher.finish() == image.document.tar.sha256 else {
                    throw .failed("rootfs.tar.xz does not hold the tar that image.json names")
                }
            }
        } catch {
            throw RootcellarError(.test, error.reason)
        }
    }

    private func rootfs(_ listing: RootfsListing) throws(CheckFault) -> String? {
        guard listing.kindItself("etc") == .directory else { throw .failed("there is no directory /etc") }
        let inits = ["/sbin/init", "/etc/init", "/bin/init", "/init", "/lib/systemd/systemd"]
        guard let start = inits.first(where: { listing.kind($0) == .file }) else {
            throw .failed("there is no init: none of \(inits.joined(separator: ", "))")
        }
        // What containers of one image must not have in common.
        if listing.kind("/var/lib/systemd/random-seed") != nil {
            throw .failed("/var/lib/systemd/random-seed would be the same in every container")
        }
        return "\(image.document.tar.entries) members, \(start)"
    }
}
