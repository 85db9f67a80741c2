// SPDX-License-Identifier: Apache-2.0

import CLinux
import Model
import NIOCore
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// The directory whose files are served. Everything is opened relative to its descriptor, and the kernel refuses
/// whatever would lead out of it: `..`, absolute links and /proc's magic links (openat2(2), RESOLVE_BENEATH). Symbolic
/// links that stay inside work, because the indexes of stock clients are switched by one.
final class PublishedTree: Sendable {
    /// What a name turned out to be.
    enum Found: Sendable {
        case file(OpenFile)
        /// A directory that has an index page, asked for without the slash its relative links need.
        case directoryWithoutSlash
        case nothing
        /// The system could not say: too many open files, a failing disk.
        case failure(Errno)
    }

    static let indexPage = "index.html"
    private let root: CInt

    /// Opens the tree.
    ///
    /// - Throws: `REPOSITORY` if there is no such directory; `POLICY` if the kernel has no openat2 (Linux before 5.6, or
    ///   a seccomp filter older than it). There is no weaker way that would be taken instead.
    init(_ path: FilePath) throws {
        let opened = unsafe Glibc.open(path.string, CLINUX_O_PATH | O_DIRECTORY | O_CLOEXEC)
        guard opened >= 0 else {
            throw RootcellarError(
                .repository,
                "the tree to serve cannot be opened: \(Errno(rawValue: errno))",
                subject: path.string
            )
        }
        root = opened
        let probe = Self.open(root, ".", CLINUX_O_PATH | O_DIRECTORY)
        switch probe {
        case .success(let descriptor): Glibc.close(descriptor)
        case .failure(let error):
            throw RootcellarError(
                .policy,
                "the kernel refuses openat2: \(error)",
                subject: path.string,
                hint: "Linux 5.6 or newer is needed, and a container's seccomp filter must allow the call"
            )
        }
    }

    deinit { Glibc.close(root) }

    /// Opens what `path` names. Blocks.
    func find(_ path: RequestPath) -> Found {
        switch openOnce(path.relative) {
        case .failure(let error): return Self.isAbsence(error) ? .nothing : .failure(error)
        case .success(let file):
            switch file.status.kind {
            case .other: return .nothing
            case .regular: return path.namesDirectory ? .nothing : .file(file)
            case .directory: return findIndexPage(path)
            }
        }
    }

    /// The status of a file by its name below the top; nil if it cannot be had. Opens nothing for reading.
    func status(_ name: String) -> FileStatus? {
        guard case .success(let descriptor) = Self.open(root, name, CLINUX_O_PATH) else { return nil }
        defer { Glibc.close(descriptor) }
        return FileStatus(descriptor: descriptor)
    }

    private func findIndexPage(_ path: RequestPath) -> Found {
        switch openOnce(path.relative + "/" + Self.indexPage) {
        case .failure(let error): return Self.isAbsence(error) ? .nothing : .failure(error)
        case .success(let page):
            guard page.status.kind == .regular else { return .nothing }
            return path.namesDirectory ? .file(page) : .directoryWithoutSlash
        }
    }

    /// O_NONBLOCK: opening a named pipe must not wait for its writer.
    private func openOnce(_ name: String) -> Result<OpenFile, Errno> {
        Self.open(root, name, O_RDONLY | O_NONBLOCK | O_NOCTTY).flatMap { descriptor in
            guard let file = OpenFile(descriptor) else { return .failure(Errno(rawValue: errno)) }
            return .success(file)
        }
    }

    /// EAGAIN: something on the way was renamed meanwhile and the kernel could not be sure (openat2(2)); trying again
    /// is what it asks for.
    private static func open(_ root: CInt, _ name: String, _ flags: CInt) -> Result<CInt, Errno> {
        var error = Errno.resourceTemporarilyUnavailable
        for _ in 0..<64 {
            let descriptor = unsafe clinux_openat2(
                root,
                name,
                UInt64(flags),
                0,
                CLINUX_RESOLVE_BENEATH | CLINUX_RESOLVE_NO_MAGICLINKS
            )
            error = Errno(rawValue: errno)
            if descriptor >= 0 { return .success(descriptor) }
            guard error == .resourceTemporarilyUnavailable || error == .interrupted else { break }
        }
        return .failure(error)
    }

    /// Whether an error means that the tree has no such file for us: no entry, a file where a directory would have to
    /// be, a link that leads out (EXDEV) or in circles, a name too long, no permission, a socket.
    private static func isAbsence(_ error: Errno) -> Bool {
        switch error {
        case .noSuchFileOrDirectory, .notDirectory, .improperLink, .tooManySymbolicLinkLevels, .fileNameTooLong,
            .permissionDenied, .notPermitted, .noSuchAddressOrDevice, .operationNotSupportedByDevice,
            .invalidArgument:
            true
        default: false
        }
    }
}
