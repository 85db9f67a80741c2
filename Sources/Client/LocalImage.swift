// SPDX-License-Identifier: Apache-2.0

package import Archive
import Glibc
package import Model
package import SystemPackage

/// A tarball of the user's own. Nobody vouches for it, so that fixed limits take the place of signed figures; what may be
/// unpacked, and how confined, is the same as for every image.
package struct LocalImage: ContainerImage {
    package let metadata: ImageMetadata
    private let path: FilePath
    private let narrator: Narrator

    /// The image in the file at `path`: a tar, plain or compressed by xz, zstd or gzip.
    ///
    /// - Parameter metadata: an archive as published images have it; without it, the container gets LXC's common
    ///   configuration and this machine's architecture.
    /// - Throws: `USAGE` for files that cannot be read, `META`.
    package init(
        _ path: FilePath,
        metadata: FilePath?,
        _ surroundings: Surroundings,
        _ narrator: Narrator
    ) throws(RootcellarError) {
        self.path = path
        self.narrator = narrator
        // Before anything is made: the file has to be there and look like an archive.
        let file = try Self.open(path)
        defer { try? file.close() }
        _ = try Self.compression(of: file, path)
        let userMode = surroundings.namespace.usesUserMetadata
        if let metadata {
            self.metadata = try Self.read(metadata, userMode: userMode)
        } else {
            self.metadata = ImageMetadata(configuration: try Self.configuration(userMode: userMode))
        }
        narrator.warn("nobody vouches for \(printable(path.string)): no signature or hash of it is known")
    }

    package func unpack(
        into rootfs: FileDescriptor,
        tokens: [String: String]
    ) throws(RootcellarError) -> UnpackPipeline.Report {
        let file = try Self.open(path)
        defer { try? file.close() }
        let compression = try Self.compression(of: file, path)
        narrator.progress("Unpacking the rootfs")
        let plan = UnpackPlan(unsigned: compression, tokens: tokens, expanded: metadata.templates)
        return try UnpackPipeline.unpack(into: rootfs, plan) { pipeline throws(RootcellarError) in
            try pipeline.write(contentsOf: file) { error in Self.unreadable(error, path) }
        }
    }

    /// Nothing: the file stays where it is.
    package func remember() throws(RootcellarError) {}

    /// The compression by the first bytes; nil for a plain tar.
    private static func compression(
        of file: FileDescriptor,
        _ path: FilePath
    ) throws(RootcellarError) -> Compression? {
        var head = [UInt8](repeating: 0, count: 512)
        let count = try read(file, &head, path)
        do {
            try file.seek(offset: 0, from: .start)
        } catch {
            throw RootcellarError(.usage, "cannot read: \(error)", subject: printable(path.string))
        }
        if let compression = Compression(magic: head.prefix(count)) { return compression }
        if count == 512, head[257..<262].elementsEqual("ustar".utf8) { return nil }
        throw RootcellarError(
            .archive,
            "neither a tar nor one compressed by xz, zstd or gzip",
            subject: printable(path.string)
        )
    }

    private static func configuration(userMode: Bool) throws(RootcellarError) -> ImageConfiguration {
        var lines = ["lxc.include = LXC_TEMPLATE_CONFIG/common.conf"]
        if userMode { lines.append("lxc.include = LXC_TEMPLATE_CONFIG/userns.conf") }
        let plain = try ImageConfiguration(Array(lines.joined(separator: "\n").utf8))
        guard let machine = machine() else { return plain }
        lines.append("lxc.arch = \(machine)")
        // LXC may not know a name that the kernel has; it then takes the machine's own.
        return (try? ImageConfiguration(Array(lines.joined(separator: "\n").utf8))) ?? plain
    }

    /// What uname(2) calls this machine.
    private static func machine() -> String? {
        var names = utsname()
        guard unsafe uname(&names) == 0 else { return nil }
        return unsafe withUnsafeBytes(of: &names.machine) { bytes in
            unsafe String(decoding: unsafe bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    private static func read(_ path: FilePath, userMode: Bool) throws(RootcellarError) -> ImageMetadata {
        let file = try open(path)
        defer { try? file.close() }
        let compression = try compression(of: file, path)
        // One byte more than the most that there may be.
        var bytes = [UInt8](repeating: 0, count: (1 << 20) + 1)
        let count = try read(file, &bytes, path)
        guard count < bytes.count else {
            throw RootcellarError(.meta, "over 1 MiB of metadata", subject: printable(path.string))
        }
        bytes.removeLast(bytes.count - count)
        do throws(RootcellarError) {
            if let compression { bytes = try UnpackPipeline.decode(bytes, compression, limit: 4 << 20) }
            return try ImageMetadata(archive: bytes, userMode: userMode)
        } catch {
            guard error.errorClass == .archive else { throw error }
            throw RootcellarError(.meta, error.reason, subject: printable(path.string))
        }
    }

    private static func open(_ path: FilePath) throws(RootcellarError) -> FileDescriptor {
        do {
            // Whatever it is, opening it does not wait.
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .nonBlocking])
            guard try file.status().kind == .file else {
                try? file.close()
                throw RootcellarError(.usage, "not a file", subject: printable(path.string))
            }
            return file
        } catch let error as RootcellarError {
            throw error
        } catch {
            throw RootcellarError(.usage, "cannot open the file: \(error)", subject: printable(path.string))
        }
    }

    private static func read(
        _ file: FileDescriptor,
        _ buffer: inout [UInt8],
        _ path: FilePath
    ) throws(RootcellarError) -> Int {
        do throws(Errno) {
            return try readBlock(file, &buffer)
        } catch {
            throw unreadable(error, path)
        }
    }

    private static func unreadable(_ error: Errno, _ path: FilePath) -> RootcellarError {
        systemError(.archive, "cannot read", error, subject: printable(path.string))
    }
}
