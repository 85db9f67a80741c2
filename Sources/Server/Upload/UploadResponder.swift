// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOPosix

/// Answers below `/uploads/`, where builders send images for the publisher to take:
///
///     PUT  /uploads/<sha256 of the declaration>          the declaration: 201, or 200 if it is known
///     GET  /uploads/<sha256>                             how far it is, as JSON
///     HEAD /uploads/<sha256>/<file>                      the same of one file, as Upload-Offset and Upload-Length
///     PUT  /uploads/<sha256>/<file>, Upload-Offset: N    bytes of a file from N on: 201 if it is whole then, 200 if not
///
/// Nothing that is sent can be read again here. Each refusal has one clause for people, and a line in the audit log.
struct UploadResponder: Sendable {
    static let prefix = "uploads"
    static let offsetField = HTTPField.Name("Upload-Offset")
    static let lengthField = HTTPField.Name("Upload-Length")
    static let digestField = HTTPField.Name("Content-Digest")

    let store: UploadStore
    let pool: NIOThreadPool
    /// How many refusals of nobody in particular the audit log gets: whoever has no token shall not fill the disk.
    let strangers = RateLimiter(rate: 1)

    /// Answers a request of whoever showed `token`.
    func respond(_ request: Request, _ path: RequestPath, _ token: TokenList.Token?) async -> Response {
        let isHead = request.method == .head
        do throws(UploadRefusal) {
            guard let token else { throw UploadRefusal(.unauthorized, "uploads need a token") }
            guard token.scope == .upload else { throw UploadRefusal(.forbidden, "the token is not for uploads") }
            guard (2...3).contains(path.components.count), !path.namesDirectory,
                let id = SHA256Digest(hex: path.components[1])
            else { throw UploadRefusal(.notFound, "no such upload", isAudited: false) }
            if path.components.count == 2 { return try await upload(id, request, token, isHead) }
            return try await file(id, path.components[2], request, token, isHead)
        } catch {
            return await refuse(error, request, token, isHead)
        }
    }

    /// Notes that somebody has shown a token that is worth nothing.
    func noteBadToken(_ request: Request) async {
        _ = await refuse(UploadRefusal(.unauthorized, "the token is not known"), request, nil, false)
    }

    private func upload(
        _ id: SHA256Digest,
        _ request: Request,
        _ token: TokenList.Token,
        _ isHead: Bool
    ) async throws(UploadRefusal) -> Response {
        switch request.method {
        case .get, .head:
            let state = try await blocking { [store] () throws(UploadRefusal) in try store.resume(id, token) }
            return try Self.answer(.ok, state, isHead: isHead)
        case .put:
            let body: ByteBuffer
            do { body = try await request.body.collect(upTo: UploadDeclaration.limit) } catch {
                throw UploadRefusal(.contentTooLarge, "no declaration of at most \(UploadDeclaration.limit) bytes")
            }
            let bytes = Array(body.readableBytesView)
            let (state, isNew) = try await blocking { [store] () throws(UploadRefusal) in
                let (state, isNew) = try store.declare(id, bytes, by: token)
                return (isNew ? state : try store.resume(id, token), isNew)
            }
            return try Self.answer(isNew ? .created : .ok, state, isHead: false)
        default:
            throw UploadRefusal(.methodNotAllowed, "GET, HEAD and PUT are understood", isAudited: false)
        }
    }

    private func file(
        _ id: SHA256Digest,
        _ file: String,
        _ request: Request,
        _ token: TokenList.Token,
        _ isHead: Bool
    ) async throws(UploadRefusal) -> Response {
        switch request.method {
        case .head:
            let (offset, size) = try await blocking { [store] () throws(UploadRefusal) in
                try store.progress(id, file, token)
            }
            return .small(.ok, "", Self.fields(offset, size), isHead: true)
        case .put:
            let offset = try Self.offset(request.headers)
            let digest = try Self.digest(request.headers)
            let part = try await blocking { [store] () throws(UploadRefusal) in
                try store.open(id, file, at: offset, token)
            }
            // Sent again by somebody who did not hear that it has arrived.
            guard let part else { return try await finished(id, token, .ok) }
            try await receive(request, part)
            let isWhole = try await blocking { [store] () throws(UploadRefusal) in
                try part.end(digest: digest)
                if part.isWhole { try store.finish(part, token) }
                return part.isWhole
            }
            return try await finished(id, token, isWhole ? .created : .ok)
        default:
            throw UploadRefusal(.methodNotAllowed, "HEAD and PUT are understood", isAudited: false)
        }
    }

    /// Writes what comes. What has arrived when a connection breaks is there and stays.
    private func receive(_ request: Request, _ part: UploadPart) async throws(UploadRefusal) {
        var refusal: UploadRefusal?
        do {
            for try await buffer in request.body {
                do throws(UploadRefusal) {
                    try await blocking { () throws(UploadRefusal) in try part.write(buffer) }
                } catch {
                    refusal = error
                    throw error
                }
            }
        } catch {
            throw refusal ?? UploadRefusal(.badRequest, "the connection broke", isAudited: false)
        }
    }

    private func finished(
        _ id: SHA256Digest,
        _ token: TokenList.Token,
        _ status: HTTPResponse.Status
    ) async throws(UploadRefusal) -> Response {
        let state = try await blocking { [store] () throws(UploadRefusal) in try store.state(id, token) }
        return try Self.answer(status, state, isHead: false)
    }

    private func blocking<Result: Sendable>(
        _ body: @escaping @Sendable () throws(UploadRefusal) -> Result
    ) async throws(UploadRefusal) -> Result {
        do { return try await pool.runIfActive { try body() } } catch let error as UploadRefusal {
            throw error
        } catch {
            throw .failure(error)
        }
    }

    private func refuse(
        _ refusal: UploadRefusal,
        _ request: Request,
        _ token: TokenList.Token?,
        _ isHead: Bool
    ) async -> Response {
        if refusal.isAudited, token != nil || strangers.admit("") == nil {
            let what =
                "\(request.method.rawValue) \(printable(BearerToken.redacted(request.head.path ?? "-"), limit: 300))"
            do {
                try await pool.runIfActive { [store] in try store.audit(refusal, what, by: token?.name) }
            } catch {
                return .small(.insufficientStorage, isHead: isHead)
            }
        }
        var fields: HTTPFields = [:]
        if refusal.status == .unauthorized { fields[.wwwAuthenticate] = "Bearer realm=\"rootcellar\"" }
        if refusal.status == .serviceUnavailable || refusal.status == .insufficientStorage { fields[.retryAfter] = "5" }
        if let offset = refusal.offset, let name = Self.offsetField { fields[name] = String(offset) }
        return .small(refusal.status, refusal.reason + "\n", fields, isHead: isHead)
    }

    // MARK: - Headers

    private static func offset(_ fields: HTTPFields) throws(UploadRefusal) -> Int {
        guard let name = Self.offsetField, let text = fields[name] else { return 0 }
        guard !text.isEmpty, text.utf8.count <= 18, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let offset = Int(text)
        else { throw UploadRefusal(.badRequest, "Upload-Offset is no number") }
        return offset
    }

    /// `Content-Digest` of RFC 9530; others than SHA-256 say nothing to us.
    static func digest(_ fields: HTTPFields) throws(UploadRefusal) -> SHA256Digest? {
        guard let name = Self.digestField, let text = fields[name], text.hasPrefix("sha-256=:") else { return nil }
        guard text.hasSuffix(":"), let bytes = Data(base64Encoded: String(text.dropFirst(9).dropLast())),
            let digest = SHA256Digest(hex: hexText(Array(bytes)))
        else { throw UploadRefusal(.badRequest, "Content-Digest is not one of RFC 9530") }
        return digest
    }

    private static func fields(_ offset: Int, _ size: Int) -> HTTPFields {
        var fields: HTTPFields = [:]
        if let name = Self.offsetField { fields[name] = String(offset) }
        if let name = Self.lengthField { fields[name] = String(size) }
        return fields
    }

    private static func answer(
        _ status: HTTPResponse.Status,
        _ state: UploadState,
        isHead: Bool
    ) throws(UploadRefusal) -> Response {
        do throws(RootcellarError) {
            let text = String(decoding: try state.canonicalBytes(), as: UTF8.self)
            return .small(status, type: "application/json", text, isHead: isHead)
        } catch { throw .failure(error) }
    }
}
