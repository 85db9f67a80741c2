// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOSSL
import SwiftASN1
import X509

/// Who may read what.
struct AccessPolicy: Sendable {
    /// What may be done with a path.
    enum Verdict: Equatable, Sendable {
        /// Everybody may read it, and caches on the way may keep it.
        case open
        /// This client may read it; others may not.
        case restricted
        /// For this client there is nothing.
        case hidden
        /// Nobody may read it without a token.
        case unauthenticated
        /// The token is for something else.
        case forbidden
    }

    /// The token that was shown is worth nothing.
    struct BadToken: Error {}

    let tokens: CurrentTokens?
    /// Images that are there for tokens only.
    var privateImages: [ImagePattern] = []
    /// Whether what is not private is for everybody.
    var allowsAnonymous = true
    /// Whether a client's certificate counts as a token.
    var takesCertificates = false

    /// Whose request it is; nil for anybody.
    ///
    /// - Throws: `BadToken` for a token that is not known, or no longer.
    func token(_ request: Request, _ context: ConnectionContext) async throws(BadToken) -> TokenList.Token? {
        guard let list = tokens?.current else { return nil }
        switch Self.credentials(request.headers) {
        case .bearer(let token):
            guard let token, let found = list.token(token), found.isValid(at: .now) else { throw BadToken() }
            return found
        case .none:
            guard takesCertificates, let name = await Self.commonName(context.channel),
                let found = list.token(commonName: name), found.isValid(at: .now)
            else { return nil }
            return found
        }
    }

    /// What a client may do with a path of the tree.
    func verdict(_ path: RequestPath, _ token: TokenList.Token?) -> Verdict {
        let image = Self.image(path)
        guard allowsAnonymous else {
            guard let token else { return .unauthenticated }
            guard token.scope == .read else { return .forbidden }
            switch image {
            case .none: return .restricted
            case .one(let name): return token.includes(name) ? .restricted : .hidden
            case .unclear: return .hidden
            }
        }
        switch image {
        case .one(let name) where privateImages.contains { $0.matches(name) }:
            return token?.scope == .read && token?.includes(name) == true ? .restricted : .hidden
        case .unclear where !privateImages.isEmpty: return .hidden
        default: return .open
        }
    }

    /// Who has to be shown documents that tell of many images in part only; nil for those who may read every image, whoever
    /// they are.
    func limitedReader(_ token: TokenList.Token?) -> SharedDocuments.Reader? {
        guard !allowsAnonymous || !privateImages.isEmpty else { return nil }
        return SharedDocuments.Reader(isAnonymous: token == nil) { maySee($0, token) }
    }

    /// Whether a client may know of an image.
    func maySee(_ name: ImageName, _ token: TokenList.Token?) -> Bool {
        let isPrivate = !allowsAnonymous || privateImages.contains { $0.matches(name) }
        return !isPrivate || (token?.scope == .read && token?.includes(name) == true)
    }

    private enum Image {
        case none
        case one(ImageName)
        case unclear
    }

    /// The image whose directory a path leads into.
    private static func image(_ path: RequestPath) -> Image {
        let parts = path.components
        guard parts.first == "images", parts.count > 4 else { return .none }
        let name = try? ImageName(
            distribution: parts[1],
            release: parts[2],
            architecture: parts[3],
            variant: parts[4]
        )
        return name.map { .one($0) } ?? .unclear
    }

    private enum Credentials {
        case none
        /// Nil: what was shown cannot be a token.
        case bearer(BearerToken?)
    }

    /// Other schemes are a proxy's business, which passes them on.
    private static func credentials(_ fields: HTTPFields) -> Credentials {
        let shown = fields[values: .authorization].compactMap { value -> Substring? in
            guard value.count > 7, value.prefix(7).lowercased() == "bearer " else { return nil }
            return value.dropFirst(7).drop { $0 == " " }
        }
        guard let first = shown.first else { return .none }
        return .bearer(shown.count == 1 ? BearerToken(String(first)) : nil)
    }

    /// The common name of the certificate that the client has shown in the handshake, where it was verified.
    private static func commonName(_ channel: any Channel) async -> String? {
        // A stream of HTTP/2 has the connection above it.
        var shown = try? await channel.nioSSL_peerCertificate().get()
        if shown == nil, let parent = channel.parent { shown = try? await parent.nioSSL_peerCertificate().get() }
        guard let shown, let bytes = try? shown.toDERBytes(),
            let certificate = try? Certificate(derEncoded: bytes)
        else { return nil }
        let names = certificate.subject.flatMap { part in
            part.filter { $0.type == .RDNAttributeType.commonName }.compactMap { String($0.value) }
        }
        return names.count == 1 ? names.first : nil
    }
}
