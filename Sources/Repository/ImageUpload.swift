// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
package import Model
package import SystemPackage
package import Transfer

/// Sends image directories to a server, for its publisher to take. It needs no key, and nothing that it sends is visible
/// before it is signed. What was sent before, by a process that was killed too, is not sent again.
package struct ImageUpload {
    /// Bytes that are sent at a time, each with their own digest.
    static let part = 8 << 20
    /// How often a file is begun anew, or the server's word for how far it is taken, without getting on.
    private static let patience = 8

    /// How the reason of an error begins where the publisher has decided against an image.
    package static let refused = "the publisher has refused it"

    private let session: HTTPSession
    /// Told the bytes of the upload that are there, and their sum in the end.
    package var onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in }

    /// What was sent.
    package struct Report: Encodable, Sendable {
        /// `distribution/release/architecture/variant`.
        package var image: String
        package var serial: Serial
        /// Under which name the server keeps it.
        package var upload: SHA256Digest
        /// Bytes that were sent now.
        package var sent: Int
        /// Bytes of all files.
        package var bytes: Int
        package var stage: UploadState.Stage
    }

    /// Uploads over a session with a server.
    package init(_ session: HTTPSession) { self.session = session }

    /// Sends one image directory.
    ///
    /// - Throws: `POLICY` if the server does not want it, or its publisher has refused it before; `SIZE`, `HASH` if the
    ///   files are not what `image.json` says; `TRANSPORT`, `REPOSITORY`.
    package func send(_ directory: FilePath) throws(RootcellarError) -> Report {
        let declaration = try Self.declaration(directory)
        let bytes = try declaration.canonicalBytes()
        let id = SHA256Digest(hashing: bytes)
        let path = "uploads/\(id)"
        var state = try Self.state(try put(path, bytes), path)
        var sent = 0
        if state.stage == .receiving {
            // The document last: until then nothing there could be taken for a build.
            let files = declaration.files.sorted {
                ($0.key == ImageDocument.fileName ? 1 : 0, $0.key) < ($1.key == ImageDocument.fileName ? 1 : 0, $1.key)
            }
            for (file, reference) in files {
                sent += try send(directory.appending(file), reference, to: "\(path)/\(file)", of: path, &state) {
                    onProgress($0.received.values.reduce(0, +), declaration.size)
                }
            }
            state = try self.state(path)
        }
        if state.stage == .refused {
            throw RootcellarError(
                .policy,
                "\(Self.refused): \(state.reason ?? "without a reason")",
                subject: directory.string,
                hint: "build it again"
            )
        }
        guard state.stage != .receiving else {
            throw RootcellarError(.transport, "the server does not call the upload complete", subject: path)
        }
        return Report(
            image: declaration.image,
            serial: declaration.serial,
            upload: id,
            sent: sent,
            bytes: declaration.size,
            stage: state.stage
        )
    }

    /// What a directory has to be sent of: the files of its document, the document, and what there is of tests.
    private static func declaration(_ directory: FilePath) throws(RootcellarError) -> UploadDeclaration {
        let source = try ImageSource(directory)
        var files = source.document.files.mapValues(\.reference)
        files[ImageDocument.fileName] = source.reference
        for name in [TestReport.fileName, TestReport.logName] where files[name] == nil {
            let path = directory.appending(name)
            if Disk.exists(path) { files[name] = FileReference(of: try Disk.read(path, limit: 64 << 20)) }
        }
        for (name, reference) in files {
            let size = try Disk.size(directory.appending(name))
            guard size == reference.size else {
                throw RootcellarError(
                    .size,
                    "\(size) bytes instead of \(reference.size)",
                    subject: directory.appending(name).string
                )
            }
        }
        let declaration = UploadDeclaration(image: source.name, serial: source.document.serial, files: files)
        _ = try declaration.name()
        return declaration
    }

    /// Sends what the server does not have of a file.
    ///
    /// - Returns: the bytes that were sent.
    private func send(
        _ file: FilePath,
        _ reference: FileReference,
        to path: String,
        of upload: String,
        _ state: inout UploadState,
        _ progress: (UploadState) -> Void
    ) throws(RootcellarError) -> Int {
        let name = file.lastComponent?.string ?? ""
        // An empty file is sent once all the same, so that it is there.
        guard state.received[name] ?? 0 < reference.size || reference.size == 0 else { return 0 }
        let source = try Disk.open(file)
        defer { try? source.close() }
        var (sent, patience) = (0, Self.patience)
        repeat {
            let offset = state.received[name] ?? 0
            let bytes: [UInt8]
            do throws(Errno) {
                bytes = try readAt(source, offset, min(Self.part, reference.size - offset))
            } catch { throw Disk.fault("cannot be read", file, error) }
            let digest = Data(SHA256Digest(hashing: bytes).bytes).base64EncodedString()
            let answer = try session.put(
                path,
                bytes,
                headers: ["Upload-Offset: \(offset)", "Content-Digest: sha-256=:\(digest):"]
            )
            switch answer.status {
            case 200, 201:
                state = try Self.state(answer, path)
                sent += bytes.count
                if state.received[name] ?? 0 <= offset, reference.size > 0 { patience -= 1 }
            case 409,
                422 where patience > 0:
                // Behind, or ahead, or spoilt on the way: the server says where to go on.
                state = try self.state(upload)
                guard state.stage == .receiving else { return sent }
                if answer.status == 422, state.received[name] == 0 {
                    patience -= Self.patience / 2
                } else {
                    patience -= 1
                }
            default:
                throw Self.refusal(answer, file.string)
            }
            guard patience >= 0 else {
                throw RootcellarError(
                    answer.status == 422 ? .hash : .transport,
                    "the server does not get on with it: \(Self.text(answer))",
                    subject: file.string
                )
            }
            progress(state)
        } while state.received[name] ?? 0 < reference.size
        return sent
    }

    // MARK: - Answers

    private func put(_ path: String, _ bytes: [UInt8]) throws(RootcellarError) -> HTTPSession.Answer {
        let answer = try session.put(path, bytes)
        guard answer.status == 200 || answer.status == 201 else { throw Self.refusal(answer, session.url(of: path)) }
        return answer
    }

    private func state(_ path: String) throws(RootcellarError) -> UploadState {
        guard case .found(let bytes, _) = try session.get(path, limit: 1 << 20) else {
            throw RootcellarError(.transport, "the server has lost the upload", subject: session.url(of: path))
        }
        return try UploadState(verified: bytes, subject: session.url(of: path))
    }

    private static func state(_ answer: HTTPSession.Answer, _ path: String) throws(RootcellarError) -> UploadState {
        do throws(RootcellarError) { return try UploadState(verified: answer.body, subject: path) } catch {
            throw RootcellarError(.transport, "not an answer to an upload: \(error.reason)", subject: path)
        }
    }

    private static func text(_ answer: HTTPSession.Answer) -> String {
        let line = String(decoding: answer.body.prefix(512), as: UTF8.self).split(whereSeparator: \.isNewline).first
        return "\(line.map(String.init) ?? "no reason") (HTTP status \(answer.status))"
    }

    private static func refusal(_ answer: HTTPSession.Answer, _ subject: String) -> RootcellarError {
        switch answer.status {
        case 401, 403:
            RootcellarError(
                .policy,
                "the server does not let it in: \(text(answer))",
                subject: subject,
                hint: "its operator makes tokens with 'rootcellar token add --scope upload'"
            )
        case 404, 405:
            RootcellarError(.policy, "the server takes no uploads: \(text(answer))", subject: subject)
        case 413: RootcellarError(.size, "the server does not take it: \(text(answer))", subject: subject)
        case 422: RootcellarError(.hash, "the server does not take it: \(text(answer))", subject: subject)
        default: RootcellarError(.policy, "the server does not take it: \(text(answer))", subject: subject)
        }
    }
}
