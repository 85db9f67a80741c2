// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Model

/// Answers every request: knows who asks and what they may do, takes the base path off, answers for the server itself, and
/// leaves everything else to the tree.
struct ServiceResponder: HTTPResponder {
    /// What the server calls itself.
    static let name = "rootcellar"

    let basePath: BasePath
    let proxies: Set<String>
    let access: AccessPolicy
    let limiter: RateLimiter?
    let tree: TreeResponder
    let status: StatusResponder
    let uploads: UploadResponder?
    let api: APIResponder
    let log: AccessLog

    @Sendable func respond(to request: Request, context: ConnectionContext) async throws -> Response {
        let client = ClientAddress(request.headers, context, behind: proxies)
        var entry = log.begin(request.head, client: client.name)
        let isHead = request.method == .head
        let token: TokenList.Token?
        do {
            token = try await access.token(request, context)
        } catch {
            if let wait = limiter?.admit(client.address) { return tooMany(wait, entry, isHead: isHead) }
            if request.method == .put { await uploads?.noteBadToken(request) }
            return log.finish(Self.unauthenticated("invalid_token", isHead: isHead), entry)
        }
        entry.token = token?.name
        // A token's name cannot be an address: it has no colon, and no token of that name would be worth more.
        if let wait = limiter?.admit(token.map { "token \($0.name)" } ?? client.address) {
            return tooMany(wait, entry, isHead: isHead)
        }
        guard let target = request.head.path.flatMap(basePath.strip) else {
            return log.finish(.small(.notFound, isHead: isHead), entry)
        }
        if let uploads, let path = RequestPath(target: target), path.components.first == UploadResponder.prefix {
            return log.finish(await uploads.respond(request, path, token), entry)
        }
        if target.hasPrefix(APIResponder.prefix) {
            guard access.allowsAnonymous || token != nil else {
                return log.finish(Self.unauthenticated(nil, isHead: isHead), entry)
            }
            return log.finish(await api.respond(request, target, token), entry)
        }
        guard request.method == .get || isHead else {
            return log.finish(.small(.methodNotAllowed, nil, [.allow: "GET, HEAD"], isHead: false), entry)
        }
        if target.isEmpty || target.hasPrefix("?") {
            return log.finish(.small(.movedPermanently, nil, [.location: basePath.text + "/"], isHead: isHead), entry)
        }
        guard let path = RequestPath(target: target) else {
            return log.finish(.small(.notFound, isHead: isHead), entry)
        }
        // Whoever watches the server needs no token for it.
        if path.components == ["healthz"], !path.namesDirectory {
            return log.finish(await status.health(isHead: isHead), entry)
        }
        let verdict = access.verdict(path, token)
        switch verdict {
        case .open, .restricted: break
        case .hidden: return log.finish(.small(.notFound, isHead: isHead), entry)
        case .unauthenticated: return log.finish(Self.unauthenticated(nil, isHead: isHead), entry)
        case .forbidden: return log.finish(.small(.forbidden, isHead: isHead), entry)
        }
        if path.components == ["metrics"], !path.namesDirectory {
            return log.finish(await status.metrics(isHead: isHead), entry)
        }
        return await tree.respond(
            to: request,
            for: path,
            context: context,
            isRestricted: verdict == .restricted,
            reader: access.limitedReader(token),
            entry
        )
    }

    private func tooMany(_ seconds: Int, _ entry: AccessLog.Entry, isHead: Bool) -> Response {
        log.finish(.small(.tooManyRequests, nil, [.retryAfter: String(seconds)], isHead: isHead), entry)
    }

    /// As RFC 6750, 3 has it.
    private static func unauthenticated(_ error: String?, isHead: Bool) -> Response {
        let challenge = "Bearer realm=\"rootcellar\"" + (error.map { ", error=\"\($0)\"" } ?? "")
        return .small(.unauthorized, nil, [.wwwAuthenticate: challenge], isHead: isHead)
    }
}
