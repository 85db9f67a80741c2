// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import Hummingbird
import Model
import NIOPosix

/// Answers below `/api/1/`: what is published, as programs want it. Nothing here is signed; who has to be sure reads the
/// signed documents, as clients do.
struct APIResponder: Sendable {
    /// Why there is no answer.
    private struct Refusal: Error {
        let status: HTTPResponse.Status
        let reason: String
    }

    static let prefix = "/api/"

    let catalogue: Catalogue
    let packages: PackageIndex
    let tree: PublishedTree
    let basePath: BasePath
    let access: AccessPolicy
    let pool: NIOThreadPool
    let log: AccessLog

    /// Answers GET and HEAD.
    ///
    /// - Parameter target: the target without the base path; it begins with `prefix`.
    func respond(_ request: Request, _ target: String, _ token: TokenList.Token?) async -> Response {
        let isHead = request.method == .head
        guard request.method == .get || isHead else {
            return Self.failure(.methodNotAllowed, "only GET and HEAD are understood", [.allow: "GET, HEAD"], false)
        }
        do {
            guard let path = RequestPath(target: target), !path.namesDirectory,
                path.components.starts(with: ["api", "1"])
            else { throw Refusal(status: .notFound, reason: "there is nothing of this name") }
            return try await answer(Array(path.components.dropFirst(2)), target, token, isHead)
        } catch let refusal as Refusal {
            return Self.failure(refusal.status, refusal.reason, [:], isHead)
        } catch let fault as QueryParameters.Fault {
            return Self.failure(.badRequest, fault.reason, [:], isHead)
        } catch {
            log.failure(error, request)
            return Self.failure(.serviceUnavailable, "the tree cannot be read", [.retryAfter: "5"], isHead)
        }
    }

    private func answer(
        _ path: [String],
        _ target: String,
        _ token: TokenList.Token?,
        _ isHead: Bool
    ) async throws -> Response {
        func query(_ known: String...) throws(QueryParameters.Fault) -> QueryParameters {
            try QueryParameters(target: target, known: Set(known))
        }
        switch (path.first, path.count) {
        case ("openapi.json", 1):
            _ = try query()
            return .small(.ok, type: "application/json", OpenAPIDocument.text(basePath), isHead: isHead)
        case ("images", 1):
            let filter = try query("distribution", "release", "architecture", "variant")
            return try await Self.json(images(filter, token), isHead)
        case ("images", 5), ("images", 6), ("compare", 5):
            let name = try Self.name(path)
            if path.count == 6 {
                _ = try query()
                let (entry, _) = try await image(name, token)
                return try await Self.json(APIAnswers.Document(name, document(name, entry, path[5])), isHead)
            }
            if path[0] == "images" {
                _ = try query()
                let (entry, state) = try await image(name, token)
                return try Self.json(APIAnswers.Image(name, entry, revoked: state.revoked), isHead)
            }
            let ends = try query("from", "to")
            let (from, to) = (try Self.serial(ends.required("from")), try Self.serial(ends.required("to")))
            let (entry, _) = try await image(name, token)
            let (old, new) = (try await document(name, entry, from), try await document(name, entry, to))
            return try Self.json(APIAnswers.Comparison(name, old, new), isHead)
        case ("search", 1):
            return try await Self.json(
                search(
                    query(
                        "package",
                        "below",
                        "atLeast",
                        "version",
                        "distribution",
                        "release",
                        "architecture",
                        "variant"
                    ),
                    token
                ),
                isHead
            )
        default: throw Refusal(status: .notFound, reason: "there is nothing of this name")
        }
    }

    // MARK: - Answers

    private func images(_ filter: QueryParameters, _ token: TokenList.Token?) async throws -> APIAnswers.Images {
        let state = try await catalogue.current()
        let revoked = state.revoked
        return APIAnswers.Images(
            server: state.pointer.server,
            manifest: state.manifest.version,
            images: state.images.filter { Self.fits($0.name, filter) && access.maySee($0.name, token) }
                .map { APIAnswers.Image($0.name, $0.entry, revoked: revoked) }
        )
    }

    private func search(_ query: QueryParameters, _ token: TokenList.Token?) async throws -> APIAnswers.Search {
        let package = try query.required("package")
        let state = try await catalogue.current()
        let below = query["below"].map { DebianVersion($0) }
        let least = query["atLeast"].map { DebianVersion($0) }
        let exact = query["version"].map { DebianVersion($0) }
        let found = try await packages.search(package, in: state).filter { found in
            guard Self.fits(found.image, query), access.maySee(found.image, token) else { return false }
            let version = DebianVersion(found.version)
            return below.map { version < $0 } ?? true && least.map { version >= $0 } ?? true
                && exact.map { version == $0 } ?? true
        }
        return APIAnswers.Search(
            package: package,
            found: found.map {
                APIAnswers.Search.Hit(
                    image: $0.image.path,
                    serial: $0.serial,
                    version: $0.version,
                    architecture: $0.architecture
                )
            }
        )
    }

    private func image(
        _ name: ImageName,
        _ token: TokenList.Token?
    ) async throws -> (entry: IndexShard.Image, state: TreeState) {
        let state = try await catalogue.current()
        guard let image = state.images.first(where: { $0.name == name }), access.maySee(name, token) else {
            throw Refusal(status: .notFound, reason: "there is no such image")
        }
        return (image.entry, state)
    }

    private func document(
        _ name: ImageName,
        _ entry: IndexShard.Image,
        _ serial: String
    ) async throws -> ImageDocument {
        guard let build = entry.builds.first(where: { $0.serial.description == serial }) else {
            throw Refusal(status: .notFound, reason: "there is no such build")
        }
        let tree = tree
        return try await pool.runIfActive { try tree.document(name, build) }
    }

    private static func fits(_ name: ImageName, _ filter: QueryParameters) -> Bool {
        (filter["distribution"] ?? name.distribution) == name.distribution
            && (filter["release"] ?? name.release) == name.release
            && (filter["architecture"] ?? name.architecture) == name.architecture
            && (filter["variant"] ?? name.variant) == name.variant
    }

    // MARK: - Parameters

    private static func name(_ path: [String]) throws(Refusal) -> ImageName {
        do throws(RootcellarError) {
            return try ImageName(distribution: path[1], release: path[2], architecture: path[3], variant: path[4])
        } catch { throw Refusal(status: .notFound, reason: "there is no such image") }
    }

    /// What has the form of a serial; a day that does not exist has no build.
    private static func serial(_ text: String) throws(QueryParameters.Fault) -> String {
        guard text.wholeMatch(of: /[0-9]{8}_[0-9]{2}:[0-9]{2}/) != nil else {
            throw QueryParameters.Fault(reason: "not a serial: YYYYMMDD_HH:MM")
        }
        return text
    }

    // MARK: - Responses

    private static func json(_ value: some Encodable, _ isHead: Bool) throws -> Response {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
        return .small(.ok, type: "application/json", text, isHead: isHead)
    }

    private static func failure(
        _ status: HTTPResponse.Status,
        _ reason: String,
        _ fields: HTTPFields,
        _ isHead: Bool
    ) -> Response {
        let answer = try? json(APIAnswers.Failure(error: reason), isHead)
        guard var answer else { return .small(status, nil, fields, isHead: isHead) }
        answer.status = status
        for field in fields { answer.headers[field.name] = field.value }
        return answer
    }
}

extension TreeState {
    /// Why builds were taken back, by the hash of their documents.
    var revoked: [SHA256Digest: String] {
        Dictionary(manifest.revoked.map { ($0.image, $0.reason) }) { first, _ in first }
    }
}
