// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Model
package import SystemPackage

/// The directory in which a server keeps what builders have sent until the publisher takes it. It is no part of a tree.
///
///     open/<id>/upload.json     who may send what: `UploadRecord`
///     open/<id>/parts/<file>    what has arrived of a file
///     open/<id>/files/<file>    a whole file, whose hash is right
///     open/<id>/complete        every file is there; nothing changes any more
///     done/<id>.json            what became of an upload: `UploadOutcome`
///     audit.log                 a line for each upload, each refusal and each decision
///
/// The server writes everything but outcomes, and it faces the network: whoever reads here believes nothing, follows no
/// link, and takes copies.
package struct Quarantine: Sendable {
    package static let record = "upload.json"
    package static let parts = "parts"
    package static let files = "files"
    package static let marker = "complete"

    /// Where it is.
    package let directory: FilePath

    /// The quarantine at a path.
    package init(_ directory: FilePath) { self.directory = directory }

    package var audit: AuditLog { AuditLog(path: directory.appending("audit.log")) }
    package var open: FilePath { directory.appending("open") }
    package var done: FilePath { directory.appending("done") }

    /// An upload's own directory.
    package func path(of id: SHA256Digest) -> FilePath { open.appending("\(id)") }

    /// Where it is said what became of an upload.
    package func outcome(of id: SHA256Digest) -> FilePath { done.appending("\(id).json") }

    /// Every upload that is there, in no order.
    package func uploads() throws(RootcellarError) -> [SHA256Digest] {
        do throws(Errno) {
            let directory = try openPath(open, .readOnly, .directory)
            defer { directory.closeQuietly() }
            return try directory.names().compactMap { SHA256Digest(hex: String(decoding: $0, as: UTF8.self)) }
        } catch {
            throw RootcellarError(
                .repository,
                "no quarantine (\(error))",
                subject: directory.string,
                hint: "'rootcellar serve --uploads' makes it"
            )
        }
    }

    /// What is known of an upload.
    ///
    /// - Throws: `REPOSITORY` if there is none, `BINDING` if it cannot be one.
    package func readRecord(_ id: SHA256Digest) throws(RootcellarError) -> UploadRecord {
        let path = path(of: id).appending(Self.record)
        let bytes: [UInt8]
        do throws(Errno) {
            let file = try openPath(path, .readOnly, [.noFollow, .nonBlocking])
            defer { file.closeQuietly() }
            bytes = try readAll(file, limit: UploadRecord.limit)
        } catch { throw RootcellarError(.repository, "cannot be read (\(error))", subject: path.string) }
        let record = try UploadRecord(verified: bytes, subject: path.string)
        guard try FileReference(of: record.declaration.canonicalBytes()).sha256 == id else {
            throw RootcellarError(.binding, "the record is of another upload", subject: path.string)
        }
        return record
    }

    /// What became of an upload; nil as long as nobody has decided.
    package func readOutcome(_ id: SHA256Digest) throws(RootcellarError) -> UploadOutcome? {
        let path = outcome(of: id)
        let bytes: [UInt8]
        do throws(Errno) { bytes = try readFile(path, limit: UploadRecord.limit) } catch Errno.noSuchFileOrDirectory {
            return nil
        } catch { throw RootcellarError(.repository, "cannot be read (\(error))", subject: path.string) }
        return try UploadOutcome(verified: bytes, subject: path.string)
    }

    /// Whether a name is there, whatever it is.
    package func has(_ id: SHA256Digest, _ name: String...) -> Bool {
        let path = name.reduce(path(of: id)) { $0.appending($1) }
        return unsafe access(path.string, F_OK) == 0
    }

    /// Says for good what became of an upload, and takes its files away.
    package func close(_ id: SHA256Digest, _ outcome: UploadOutcome) throws(RootcellarError) {
        let word = outcome.refusal.map { "refused: \($0)" } ?? "published"
        try audit.append(
            "upload \(id) of \(outcome.image) \(outcome.serial) by '\(outcome.token)' \(word)",
            now: outcome.decided
        )
        try Self.place(try outcome.canonicalBytes(), at: self.outcome(of: id))
        try remove(id)
    }

    /// Takes an upload's files away.
    package func remove(_ id: SHA256Digest) throws(RootcellarError) { try Self.remove(path(of: id)) }

    /// Removes a directory of ours with everything in it, links not followed.
    package static func remove(_ path: FilePath) throws(RootcellarError) {
        do throws(Errno) {
            let directory = try openPath(path, .readOnly, [.directory, .noFollow])
            defer { directory.closeQuietly() }
            try emptyDirectory(directory)
            guard unsafe rmdir(path.string) == 0 else { throw Errno(rawValue: errno) }
        } catch Errno.noSuchFileOrDirectory {
            return
        } catch { throw RootcellarError(.repository, "cannot be removed (\(error))", subject: path.string) }
    }

    /// Puts a small file in its place by rename; it is on the disk when this returns. Whoever the directory belongs to can
    /// make anything there: no link is followed, and the file is theirs as well, so that the server can read what a
    /// publisher who is root has decided.
    package static func place(_ bytes: [UInt8], at path: FilePath) throws(RootcellarError) {
        let name = Array((path.lastComponent?.string ?? "").utf8)
        let temporary = name + Array(".new".utf8)
        do throws(Errno) {
            let parent = try openPath(path.removingLastComponent(), .readOnly, [.directory, .noFollow])
            defer { parent.closeQuietly() }
            do throws(Errno) { try parent.remove(temporary, directory: false) } catch Errno.noSuchFileOrDirectory {}
            let file = try parent.createFile(temporary, mode: 0o640)
            defer { file.closeQuietly() }
            unsafe try writeAll(file, bytes.span.bytes)
            try file.changeMode(0o640)
            try file.give(toOwnerOf: parent)
            guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            try parent.rename(temporary, to: name)
            guard fsync(parent.rawValue) == 0 else { throw Errno(rawValue: errno) }
        } catch { throw RootcellarError(.repository, "cannot be written (\(error))", subject: path.string) }
    }

    /// fsync(2) of a file or directory by its path.
    package static func sync(_ path: FilePath) throws(Errno) {
        let file = try openPath(path, .readOnly, .noFollow)
        defer { file.closeQuietly() }
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }
}
