// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Server

/// A server that takes uploads, with a token for Debian's images and one that may only read.
struct UploadSite {
    let server: RunningServer
    let quarantine: Quarantine
    let builder: String
    let reader: String
    let tree: FilePath

    func put(_ path: String, _ bytes: [UInt8], token: String?, _ more: String...) async throws -> Reply {
        let body = server.scratch.appending("send.\(UInt64.random(in: 0 ... .max))")
        try write(bytes, to: body)
        let words = token.map { ["-H", "Authorization: Bearer \($0)"] } ?? []
        return try await server.get(path, ["-T", body.string, "-H", "Expect:"] + words + more)
    }

    func put(_ upload: UploadSample, _ file: String? = nil, at offset: Int = 0, count: Int? = nil) async throws -> Reply
    {
        guard let file else { return try await put(upload.path, upload.declaration, token: builder) }
        let bytes = upload.files[file] ?? []
        return try await put(
            "\(upload.path)/\(file)",
            Array(bytes.dropFirst(offset).prefix(count ?? .max)),
            token: builder,
            "-H",
            "Upload-Offset: \(offset)"
        )
    }

    func get(_ path: String, _ more: String...) async throws -> Reply {
        try await server.get(path, ["-H", "Authorization: Bearer \(builder)"] + more)
    }

    func audit() throws -> [String] { try quarantine.audit.lines() }

    /// Runs `body` with such a server.
    static func run(
        isPlain: Bool = false,
        limits: (inout UploadLimits) -> Void = { _ in },
        stall: Duration = .seconds(60),
        _ body: (UploadSite) async throws -> Void
    ) async throws {
        let scratch = ScratchDirectory.path
        let tree = try makeTree(scratch)
        let file = TokenFile(scratch.appending("tokens"))
        let (builder, reader) = (BearerToken.random(), BearerToken.random())
        try file.update { list throws(RootcellarError) in
            for (name, scope, token) in [
                ("builder", TokenList.Token.Scope.upload, builder), ("reader", .read, reader),
            ] where !list.tokens.contains(where: { $0.name == name }) {
                try list.add(
                    .init(
                        name: name,
                        scope: scope,
                        images: [ImagePattern("debian/*/amd64/*")],
                        created: .now,
                        sha256: token.digest
                    )
                )
            }
        }
        let quarantine = Quarantine(scratch.appending("uploads"))
        let options: (inout ServeOptions) -> Void = {
            $0.tokens = file.path
            $0.uploads = quarantine.directory
            $0.limits.stallTimeout = stall
            limits(&$0.uploadLimits)
        }
        try await RunningServer.run(over: tree, in: scratch, isPlain: isPlain, options: options) { server in
            try await body(
                UploadSite(
                    server: server,
                    quarantine: quarantine,
                    builder: builder.secret,
                    reader: reader.secret,
                    tree: tree
                )
            )
        }
    }
}

/// What could be an image directory; the server looks at no file but by its hash.
struct UploadSample {
    var image = "debian/bookworm/amd64/default"
    var files: [String: [UInt8]] = ["image.json": Array("{}".utf8), "rootfs.tar.xz": Array(pattern(50_000))]

    var declaration: [UInt8] {
        let declaration = try? UploadDeclaration(
            image: ImageName(path: image),
            serial: Serial("20260101_00:00"),
            files: files.mapValues { FileReference(of: $0) }
        ).canonicalBytes()
        return declaration ?? []
    }

    var id: SHA256Digest { SHA256Digest(hashing: declaration) }
    var path: String { "/uploads/\(id)" }
}
