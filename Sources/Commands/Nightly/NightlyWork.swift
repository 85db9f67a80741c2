// SPDX-License-Identifier: Apache-2.0

import Archive
import ClientCommands
import Glibc
import Model
import Nightly
import SystemPackage

/// The directory in which nightly runs work: a place for each image, what is remembered of attempts, and a lock, so that one
/// run at a time uses it.
final class NightlyWork {
    private static let stateName = "state.json"

    private let directory: FilePath
    private let lock: FileDescriptor
    /// What is remembered; written down by `save`.
    var state: NightlyState

    /// Makes the directory if it is not there, and takes the lock.
    ///
    /// - Throws: `POLICY` if another run has it.
    init(_ directory: FilePath) throws(RootcellarError) {
        self.directory = absolutePath(directory)
        try Self.makeDirectories(self.directory)
        let path = self.directory.appending("lock")
        do throws(Errno) { lock = try openPath(path, .readWrite, [.create, .noFollow]) } catch {
            throw systemError(.policy, "cannot open the lock", error, subject: path.string)
        }
        guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            lock.closeQuietly()
            throw RootcellarError(
                .policy,
                "another nightly run is at work",
                subject: directory.string,
                hint: "wait for its end, or name another directory with --work"
            )
        }
        state = try Self.state(below: self.directory)
    }

    deinit { lock.closeQuietly() }

    /// What is remembered below a directory. It only saves work, so that a file which is damaged is no reason to stop.
    ///
    /// - Throws: `POLICY` if a newer program wrote it.
    static func state(below directory: FilePath) throws(RootcellarError) -> NightlyState {
        let path = directory.appending(stateName)
        let bytes: [UInt8]
        do throws(Errno) { bytes = try readFile(path, limit: NightlyState.limit) } catch {
            if error == .noSuchFileOrDirectory { return NightlyState() }
            throw systemError(.policy, "cannot read what is remembered", error, subject: path.string)
        }
        do throws(RootcellarError) {
            return try NightlyState(verified: bytes, subject: path.string)
        } catch {
            guard error.errorClass == .binding else { throw error }
            tell("rootcellar: warning: \(error.description); earlier attempts are forgotten")
            return NightlyState()
        }
    }

    /// Writes down what is to be remembered, all of it or nothing.
    func save() throws(RootcellarError) {
        let bytes = try state.canonicalBytes()
        let path = directory.appending(Self.stateName)
        let name = "\(Self.stateName).new"
        do throws(Errno) {
            let file = try openPath(directory.appending(name), .writeOnly, [.create, .truncate, .noFollow])
            defer { file.closeQuietly() }
            unsafe try writeAll(file, bytes.span.bytes)
            let parent = try openPath(directory, .readOnly, .directory)
            defer { parent.closeQuietly() }
            guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            try parent.rename(Array(name.utf8), to: Array(Self.stateName.utf8))
            guard fsync(parent.rawValue) == 0 else { throw Errno(rawValue: errno) }
        } catch {
            throw systemError(.policy, "cannot write down what was done", error, subject: path.string)
        }
    }

    /// The place of an image.
    func place(of name: ImageName) throws(RootcellarError) -> FilePath {
        let path = directory.appending("images").pushing(FilePath(name.path))
        try Self.makeDirectories(path)
        return path
    }

    /// Where what is done for no image in particular is logged.
    var log: FilePath { directory.appending("tree.log") }

    private static func makeDirectories(_ path: FilePath) throws(RootcellarError) {
        var made = FilePath(root: "/")
        for component in path.components {
            made.append(component)
            let result = unsafe made.withPlatformString { unsafe mkdir($0, 0o755) }
            let code = Errno(rawValue: errno)
            // What is there may be of any kind: a link to another disk, for instance.
            if result != 0, code != .fileExists, code != .readOnlyFileSystem {
                throw systemError(.policy, "cannot make the directory", code, subject: made.string)
            }
        }
    }
}
