// SPDX-License-Identifier: Apache-2.0

import Archive
import HTTPTypes
import Model
import Synchronization
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// Takes uploads into a quarantine. All that is known is on the disk, so that a server which was killed goes on where it
/// was. Everything here blocks.
final class UploadStore: Sendable {
    let quarantine: Quarantine
    let limits: UploadLimits
    /// Declarations and completions, one at a time.
    private let turn = Mutex(())
    private let lock: FileDescriptor

    /// Makes the quarantine if it is not there, and keeps other servers out of it.
    ///
    /// - Throws: `POLICY` if it cannot be used, or another server does.
    init(_ directory: FilePath, limits: UploadLimits) throws(RootcellarError) {
        quarantine = Quarantine(directory)
        self.limits = limits
        for path in [directory, quarantine.open, quarantine.done] {
            guard unsafe mkdir(path.string, 0o750) == 0 || errno == EEXIST else {
                throw RootcellarError(
                    .policy,
                    "cannot make the quarantine: \(Errno(rawValue: errno))",
                    subject: path.string
                )
            }
        }
        do throws(Errno) {
            lock = try openPath(
                directory.appending("lock"),
                .readWrite,
                [.create, .noFollow],
                permissions: [.ownerReadWrite]
            )
        } catch { throw RootcellarError(.policy, "cannot lock the quarantine: \(error)", subject: directory.string) }
        guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            lock.closeQuietly()
            throw RootcellarError(.policy, "another server uses this quarantine", subject: directory.string)
        }
    }

    deinit { lock.closeQuietly() }

    /// Refuses a quarantine that readers could see.
    ///
    /// - Throws: `USAGE`.
    static func check(_ directory: FilePath, outside tree: FilePath) throws(RootcellarError) {
        // It may have to be made yet.
        let parent = directory.removingLastComponent()
        let inner = realPath(directory) ?? realPath(parent.isEmpty ? "." : parent)
        guard let inner, let outer = realPath(tree), inner != outer, !inner.hasPrefix(outer + "/")
        else {
            throw RootcellarError(
                .usage,
                "the quarantine has to be a directory outside of the tree",
                subject: directory.string
            )
        }
    }

    private static func realPath(_ path: FilePath) -> String? {
        guard let resolved = unsafe realpath(path.string, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    // MARK: - Declarations

    /// Takes a declaration: from then on its files can be sent.
    ///
    /// - Returns: how far the upload is, and whether it is new.
    func declare(
        _ id: SHA256Digest,
        _ bytes: [UInt8],
        by token: TokenList.Token
    ) throws(UploadRefusal) -> (state: UploadState, isNew: Bool) {
        guard SHA256Digest(hashing: bytes) == id else {
            throw UploadRefusal(.unprocessableContent, "the declaration does not have the hash it is sent under")
        }
        let declaration: UploadDeclaration
        let name: ImageName
        do throws(RootcellarError) {
            declaration = try UploadDeclaration(verified: bytes, subject: "declaration")
            guard try declaration.canonicalBytes() == bytes else {
                throw RootcellarError(.binding, "the declaration is not in its canonical form")
            }
            name = try declaration.name()
        } catch { throw UploadRefusal(.badRequest, error.description) }
        guard token.includes(name) else {
            throw UploadRefusal(.forbidden, "the token is not for \(name)")
        }
        guard declaration.size <= limits.uploadBytes else {
            throw UploadRefusal(.contentTooLarge, "\(declaration.size) bytes where \(limits.uploadBytes) are the most")
        }
        guard declaration.size <= limits.tokenBytes else {
            throw UploadRefusal(.contentTooLarge, "\(declaration.size) bytes where a token has \(limits.tokenBytes)")
        }
        return try inTurn { () throws(UploadRefusal) in
            if let known = try existing(id, token) { return (known, false) }
            try make(id, UploadRecord(declaration: declaration, token: token.name, images: token.images, created: .now))
            return (try state(id, token), true)
        }
    }

    private func inTurn<Value: Sendable>(
        _ body: () throws(UploadRefusal) -> Value
    ) throws(UploadRefusal) -> Value {
        try turn.withLock { _ throws(UploadRefusal) in try body() }
    }

    /// The state of an upload that was declared before; nil if it was not.
    private func existing(_ id: SHA256Digest, _ token: TokenList.Token) throws(UploadRefusal) -> UploadState? {
        do throws(RootcellarError) {
            if let outcome = try quarantine.readOutcome(id) { return Self.state(outcome) }
            guard quarantine.has(id, Quarantine.record) else { return nil }
            guard try quarantine.readRecord(id).token == token.name else {
                throw RootcellarError(.policy, "another token sends it")
            }
        } catch {
            if error.errorClass == .policy { throw UploadRefusal(.conflict, error.reason) }
            throw .failure(error)
        }
        return try progress(id)
    }

    private func make(_ id: SHA256Digest, _ record: UploadRecord) throws(UploadRefusal) {
        do throws(RootcellarError) {
            try sweep()
            try admit(record)
            // Nobody else makes uploads, so that what is there under this name is a killed server's.
            let temporary = quarantine.open.appending(".new")
            try Quarantine.remove(temporary)
            for path in [temporary, temporary.appending(Quarantine.parts), temporary.appending(Quarantine.files)] {
                guard unsafe mkdir(path.string, 0o750) == 0 else {
                    throw RootcellarError(.repository, "cannot make a directory: \(Errno(rawValue: errno))")
                }
            }
            try Quarantine.place(try record.canonicalBytes(), at: temporary.appending(Quarantine.record))
            guard unsafe rename(temporary.string, quarantine.path(of: id).string) == 0 else {
                throw RootcellarError(.repository, "cannot rename: \(Errno(rawValue: errno))")
            }
            do throws(Errno) { try Quarantine.sync(quarantine.open) } catch {
                throw RootcellarError(.repository, "cannot sync: \(error)")
            }
        } catch {
            // All mean "later", which clients take from a 5xx.
            throw UploadRefusal(.insufficientStorage, error.reason)
        }
    }

    /// Looks whether there is room for all that was declared, this upload too.
    private func admit(_ record: UploadRecord) throws(RootcellarError) {
        var (bytes, own, count) = (record.declaration.size, record.declaration.size, 0)
        // What will be written, and made, yet.
        var (missing, files) = (record.declaration.size, record.declaration.files.count + 8)
        for other in try quarantine.uploads() {
            guard let known = try? quarantine.readRecord(other) else { continue }
            bytes += known.declaration.size
            if !quarantine.has(other, Quarantine.marker), let state = try? progress(other) {
                missing += max(0, known.declaration.size - state.received.values.reduce(0, +))
                files += state.received.values.count { $0 == 0 }
            }
            guard known.token == record.token else { continue }
            own += known.declaration.size
            count += 1
        }
        guard bytes <= limits.totalBytes else {
            throw RootcellarError(.size, "the quarantine is full until the publisher takes what is in it")
        }
        guard own <= limits.tokenBytes else {
            throw RootcellarError(
                .size,
                "uploads of this token have \(own - record.declaration.size) bytes, \(limits.tokenBytes) are the most until"
                    + " the publisher takes them"
            )
        }
        guard count < limits.uploadsPerToken else {
            throw RootcellarError(.policy, "\(count) uploads of this token wait for the publisher")
        }
        guard let space = FileSystemSpace(of: quarantine.open) else { return }
        guard missing <= space.bytes - limits.reserveBytes else {
            throw RootcellarError(.size, "there is no room for \(record.declaration.size) bytes")
        }
        if let inodes = space.inodes, files > inodes - space.allInodes / limits.reserveInodes {
            throw RootcellarError(.size, "there is no room for \(record.declaration.files.count) files")
        }
    }

    /// Removes uploads that nobody goes on with, and forgets old outcomes.
    private func sweep() throws(RootcellarError) {
        let now = Timestamp.now
        for id in try quarantine.uploads() where !quarantine.has(id, Quarantine.marker) {
            let path = quarantine.path(of: id)
            let touched =
                [path, path.appending(Quarantine.parts), path.appending(Quarantine.files)]
                .compactMap { FileStatus(path: $0)?.modified }.max() ?? 0
            guard now.seconds - touched / 1_000_000_000 > limits.lifetime else { continue }
            try quarantine.audit.append("upload \(id) removed: nobody went on with it", now: now)
            try quarantine.remove(id)
        }
        for name in (try? FileDescriptor.names(in: quarantine.done)) ?? [] {
            let path = quarantine.done.appending(name)
            guard let status = FileStatus(path: path), status.kind == .regular,
                now.seconds - status.modified / 1_000_000_000 > limits.memory
            else { continue }
            _ = unsafe unlink(path.string)
        }
    }

    // MARK: - Progress

    /// How far an upload is.
    func state(_ id: SHA256Digest, _ token: TokenList.Token) throws(UploadRefusal) -> UploadState {
        guard let state = try existing(id, token) else {
            throw UploadRefusal(.notFound, "no such upload", isAudited: false)
        }
        return state
    }

    private static func state(_ outcome: UploadOutcome) -> UploadState {
        UploadState(outcome.refusal == nil ? .published : .refused, reason: outcome.refusal)
    }

    private func progress(_ id: SHA256Digest) throws(UploadRefusal) -> UploadState {
        let record = try record(id)
        var received: [String: Int] = [:]
        for file in record.declaration.files.keys {
            received[file] = size(id, Quarantine.files, file) ?? size(id, Quarantine.parts, file) ?? 0
        }
        return UploadState(quarantine.has(id, Quarantine.marker) ? .complete : .receiving, received: received)
    }

    private func record(_ id: SHA256Digest) throws(UploadRefusal) -> UploadRecord {
        do throws(RootcellarError) { return try quarantine.readRecord(id) } catch { throw .failure(error) }
    }

    private func size(_ id: SHA256Digest, _ kind: String, _ file: String) -> Int? {
        FileStatus(path: quarantine.path(of: id).appending(kind).appending(file)).map { Int($0.size) }
    }

    /// How many bytes there are of a file, and how many it will have.
    func progress(
        _ id: SHA256Digest,
        _ file: String,
        _ token: TokenList.Token
    ) throws(UploadRefusal) -> (offset: Int, size: Int) {
        let state = try state(id, token)
        guard state.stage == .receiving || state.stage == .complete,
            let size = try record(id).declaration.files[file]?.size
        else { throw UploadRefusal(.notFound, "no such file in this upload", isAudited: false) }
        return (state.received[file] ?? 0, size)
    }

    // MARK: - Files

    /// Opens a file to be gone on with.
    ///
    /// - Returns: nil if it is there already.
    func open(
        _ id: SHA256Digest,
        _ file: String,
        at offset: Int,
        _ token: TokenList.Token
    ) throws(UploadRefusal) -> UploadPart? {
        let state = try state(id, token)
        guard state.stage == .receiving || state.stage == .complete else {
            throw UploadRefusal(.conflict, state.reason ?? "it is published already")
        }
        guard let reference = try record(id).declaration.files[file] else {
            throw UploadRefusal(.notFound, "no such file was declared")
        }
        if quarantine.has(id, Quarantine.files, file) { return nil }
        let path = quarantine.path(of: id).appending(Quarantine.parts).appending(file)
        let part = try UploadPart(path, reference, id: id, file: file)
        // Who had the lock until now may have ended the file.
        if quarantine.has(id, Quarantine.files, file) { return nil }
        guard part.size == offset else {
            throw UploadRefusal(.conflict, "there are \(part.size) bytes of it", offset: part.size, isAudited: false)
        }
        return part
    }

    /// Puts a whole file in its place, and ends the upload if it was the last one.
    func finish(_ part: UploadPart, _ token: TokenList.Token) throws(UploadRefusal) {
        let path = quarantine.path(of: part.id)
        do throws(Errno) {
            let target = path.appending(Quarantine.files).appending(part.file)
            guard unsafe rename(part.path.string, target.string) == 0 else { throw Errno(rawValue: errno) }
            try Quarantine.sync(path.appending(Quarantine.files))
        } catch { throw .failure(error) }
        try completeIfWhole(part.id)
    }

    /// Ends what a server that was killed has left whole, but without having said so.
    ///
    /// - Returns: how far the upload is then.
    func resume(_ id: SHA256Digest, _ token: TokenList.Token) throws(UploadRefusal) -> UploadState {
        let before = try state(id, token)
        guard before.stage == .receiving else { return before }
        for (file, reference) in try record(id).declaration.files
        where size(id, Quarantine.parts, file) == reference.size && !quarantine.has(id, Quarantine.files, file) {
            guard let part = try open(id, file, at: reference.size, token) else { continue }
            // Its hash may be wrong: then it is empty again, and is sent once more.
            guard (try? part.end(digest: nil)) != nil else { continue }
            try finish(part, token)
        }
        try completeIfWhole(id)
        return try state(id, token)
    }

    /// Says that everything is there, once it is: in the audit log first.
    func completeIfWhole(_ id: SHA256Digest) throws(UploadRefusal) {
        try inTurn { () throws(UploadRefusal) in
            let record = try record(id)
            guard !quarantine.has(id, Quarantine.marker),
                record.declaration.files.allSatisfy({ size(id, Quarantine.files, $0.key) == $0.value.size })
            else { return }
            do throws(RootcellarError) {
                try quarantine.audit.append(
                    "upload \(id) of \(record.declaration.image) \(record.declaration.serial) by '\(record.token)'"
                        + " complete: \(record.declaration.files.count) files, \(record.declaration.size) bytes",
                    now: .now
                )
                try Quarantine.place([], at: quarantine.path(of: id).appending(Quarantine.marker))
            } catch { throw .failure(error) }
        }
    }

    /// Notes that something was not taken.
    func audit(_ refusal: UploadRefusal, _ what: String, by name: String?) throws(RootcellarError) {
        try quarantine.audit.append(
            "refused with \(refusal.status.code): \(what) by \(name.map { "'\($0)'" } ?? "nobody"): \(refusal.reason)",
            now: .now
        )
    }
}

extension FileDescriptor {
    /// The names in a directory.
    fileprivate static func names(in path: FilePath) throws(Errno) -> [String] {
        let directory = try openPath(path, .readOnly, .directory)
        defer { directory.closeQuietly() }
        return try directory.names().map { String(decoding: $0, as: UTF8.self) }
    }
}
