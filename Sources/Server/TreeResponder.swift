// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOPosix
import SystemPackage

/// Answers GET and HEAD with the files of a tree. Whatever a client sends, the answer is one of 200, 206, 301, 304, 404,
/// 405, 412, 416, or 503 when the system is out of something; never a page that says "not found" with status 200,
/// because stock LXC clients would take that for an index.
struct TreeResponder: Sendable {
    /// Files up to this size are read at once and named by their hash.
    static let smallFile: Int64 = 64 << 10

    let tree: PublishedTree
    let basePath: BasePath
    let pool: NIOThreadPool
    let log: AccessLog
    let shared: SharedDocuments
    let traffic = BodyTraffic()
    /// Where what everybody may read is remembered; nil where nothing is.
    let fresh: FreshFiles?

    /// Answers a request whose target means `path`.
    ///
    /// - Parameters:
    ///   - isRestricted: says that not everybody may read it, so that no cache on the way may keep it.
    ///   - reader: who may not read every image.
    func respond(
        to request: Request,
        for path: RequestPath,
        context: ConnectionContext,
        isRestricted: Bool,
        reader: SharedDocuments.Reader?,
        _ entry: AccessLog.Entry
    ) async -> Response {
        let isHead = request.method == .head
        let components = path.namesDirectory ? path.components + [PublishedTree.indexPage] : path.components
        // Everybody is shown a document of their own.
        let limits = reader.flatMap { reader in SharedDocument(components).map { (document: $0, reader: reader) } }
        let found: Content
        do {
            found = try await pool.runIfActive { [tree, shared] in
                var found = try Content(tree.find(path))
                if let limits { try found.limit(limits.document, components, limits.reader, shared) }
                return found
            }
        } catch {
            log.failure(error, request)
            return log.finish(.small(.serviceUnavailable, nil, [.retryAfter: "2"], isHead: isHead), entry)
        }
        switch found {
        case .nothing: return log.finish(.small(.notFound, isHead: isHead), entry)
        case .redirect:
            let location = basePath.text + path.asDirectoryURL
            return log.finish(.small(.movedPermanently, nil, [.location: location], isHead: isHead), entry)
        case .file(let file, let tag, let bytes):
            var kind = FileKind(components)
            if isRestricted || limits?.reader.isAnonymous == false { kind.restrict() }
            if limits != nil { kind.variesByToken = true }
            let name = kind.isForAll ? components.joined(separator: "/") : nil
            return deliver(file, tag, bytes, kind, name, request, context, isHead: isHead, entry)
        }
    }

    /// - Parameter name: the file's name, if it may be remembered.
    private func deliver(
        _ file: OpenFile,
        _ tag: EntityTag,
        _ bytes: ByteBuffer?,
        _ kind: FileKind,
        _ name: String?,
        _ request: Request,
        _ context: ConnectionContext,
        isHead: Bool,
        _ entry: AccessLog.Entry
    ) -> Response {
        let now = Timestamp.now
        let size = bytes.map { Int64($0.readableBytes) } ?? file.status.size
        let lastModified = file.status.lastModified(now: now)
        var fields: HTTPFields = [
            .eTag: tag.text, .lastModified: HTTPDate.text(lastModified), .cacheControl: kind.caching,
            .acceptRanges: "bytes", .xContentTypeOptions: "nosniff",
        ]
        if kind.variesByToken { fields[.vary] = "Authorization" }
        if let name { fresh?.remember(request.head.path, name, file.status, tag, fields, now: now) }
        let conditions = Conditions(fields: request.headers, tag: tag, lastModified: lastModified, size: size)
        switch conditions.outcome(isHead: isHead, now: now) {
        case .notModified:
            var response = Response(status: .notModified, headers: fields)
            // The length of an empty body would be taken for the length of the file (RFC 9110, 8.6).
            response.headers[.contentLength] = nil
            return log.finish(response, entry)
        case .failed:
            return log.finish(.small(.preconditionFailed, isHead: isHead), entry)
        case .send(.unsatisfiable):
            return log.finish(
                .small(.rangeNotSatisfiable, nil, [.contentRange: "bytes */\(size)"], isHead: isHead),
                entry
            )
        case .send(.part(let range)):
            fields[.contentType] = kind.type
            fields[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
            return send(range, of: file, bytes, .partialContent, fields, over: context.channel, isHead: false, entry)
        case .send(.whole):
            fields[.contentType] = kind.type
            return send(0..<size, of: file, bytes, .ok, fields, over: context.channel, isHead: isHead, entry)
        }
    }

    private func send(
        _ range: Range<Int64>,
        of file: OpenFile,
        _ bytes: ByteBuffer?,
        _ status: HTTPResponse.Status,
        _ fields: HTTPFields,
        over channel: any Channel,
        isHead: Bool,
        _ entry: AccessLog.Entry
    ) -> Response {
        var fields = fields
        fields[.contentLength] = String(range.count)
        if isHead { return log.finish(Response(status: status, headers: fields), entry) }
        if let bytes {
            let part = bytes.getSlice(at: bytes.readerIndex + Int(range.lowerBound), length: range.count)
            return log.finish(
                Response(status: status, headers: fields, body: ResponseBody(byteBuffer: part ?? bytes)),
                entry
            )
        }
        let body = ResponseBody(contentLength: range.count) { [pool, log, traffic] writer in
            let (sent, failure) = await FileBody.send(range, of: file, over: channel, pool: pool, traffic: traffic)
            do {
                if let failure { throw failure }
                try await writer.finish(nil)
                log.end(entry, status, sent: sent)
            } catch {
                // A stream of HTTP/2 ends with its last byte, so that `finish` may find it closed.
                log.end(entry, status, sent: sent, isCut: sent < Int64(range.count))
                // Thrown on, this closes the connection: a promised length cannot be taken back otherwise.
                throw error
            }
        }
        return Response(status: status, headers: fields, body: body)
    }
}

/// What a request found, ready to be sent.
private enum Content: Sendable {
    case nothing
    case redirect
    /// The bytes too, if the file is small.
    case file(OpenFile, EntityTag, ByteBuffer?)

    /// Leaves of a document what a reader is shown. Blocks.
    mutating func limit(
        _ document: SharedDocument,
        _ components: [String],
        _ reader: SharedDocuments.Reader,
        _ shared: SharedDocuments
    ) throws(Errno) {
        guard case .file(let file, _, _) = self else { return }
        switch try shared.extent(of: document, components, file, for: reader) {
        case .whole: break
        case .part(let bytes):
            self = .file(file, EntityTag(SHA256Digest(hashing: bytes)), ByteBuffer(bytes: bytes))
        case .nothing: self = .nothing
        }
    }

    /// Blocks.
    init(_ found: PublishedTree.Found) throws(Errno) {
        switch found {
        case .nothing: self = .nothing
        case .directoryWithoutSlash: self = .redirect
        case .failure(let error): throw error
        case .file(let file):
            guard file.status.size <= TreeResponder.smallFile else {
                file.expectSequentialReads()
                self = .file(file, EntityTag(file.status), nil)
                return
            }
            var bytes = ByteBufferAllocator().buffer(capacity: Int(file.status.size))
            try file.read(Int(file.status.size), at: 0, into: &bytes)
            self = .file(file, EntityTag(SHA256Digest(hashing: Array(bytes.readableBytesView))), bytes)
        }
    }
}
