// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#endif

/// A published site of two small images, a server that says whatever a test wants, and a container host that has pinned
/// it: what every attack begins with.
struct Stage: Sendable {
    let site: Site
    let server: HostileServer
    let host: ClientHost

    /// Runs `body` on a stage of its own.
    ///
    /// - Parameter isPinned: whether the host has pinned the server, and so has seen it once.
    static func run(
        _ certificate: HostileServerCertificate.Kind = .valid,
        isPinned: Bool = true,
        mirrors: [String] = [],
        _ body: (Stage) async throws -> Void
    ) async throws {
        let site = try await SharedSite.shared.copy()
        try await HostileServer.with(certificate) { server in
            server.serve(directory: site.tree)
            let stage = Stage(site: site, server: server, host: try ClientHost())
            if isPinned { try await stage.pin(mirrors: mirrors) }
            try await body(stage)
        }
    }

    /// Pins the server as a user does.
    func pin(mirrors: [String] = []) async throws {
        let words = mirrors.flatMap { ["--mirror", $0] }
        try await host.run(
            ["trust", "add", server.url, "--fingerprint", site.fingerprint, "--ca", server.caFile] + words
        ).succeeded()
    }

    /// Creates a container of an image of the site.
    func download(
        _ image: String = "example/one/amd64",
        _ options: String...,
        script: String? = nil
    ) async throws
        -> Creation
    {
        try await host.download(server.authority, image, options, script: script)
    }

    /// Expects a creation to be refused with one line of a class, and everything to be as it was.
    @discardableResult
    func refused(
        _ errorClass: ErrorClass,
        _ image: String = "example/one/amd64",
        _ options: String...,
        script: String? = nil,
        mayLearn: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let before = try await cache(mayLearn)
        let creation = try await host.download(server.authority, image, options, script: script)
        let errors = Comment(rawValue: creation.result.errors)
        #expect(creation.result.status == Int(errorClass.exitStatus), errors, sourceLocation: sourceLocation)
        let line = creation.result.errorLine
        let prefix = "rootcellar: \(errorClass.rawValue): "
        #expect(line?.hasPrefix(prefix) == true, errors, sourceLocation: sourceLocation)
        #expect(try creation.isUntouched, errors, sourceLocation: sourceLocation)
        #expect(try await cache(mayLearn).differences(from: before) == [], errors, sourceLocation: sourceLocation)
        return line ?? ""
    }

    /// What is in the cache. Verified objects and the verified state of the server may be left out: they are what a
    /// client has rightly learned on the way to the fault.
    private func cache(_ withoutObjects: Bool) async throws -> Snapshot {
        var snapshot = try await host.cacheSnapshot()
        if withoutObjects { snapshot.entries = snapshot.entries.filter { $0.key.hasPrefix("./images/") } }
        return snapshot
    }

    /// The path of a published file of an image, as a server sees it.
    func path(_ file: String, of image: String = "example/one/amd64") async throws -> String {
        guard let found = try await site.files().first(where: { $0.contains(image) && $0.hasSuffix("/\(file)") }) else {
            throw Unexpected(what: "no \(file) of \(image)")
        }
        return "/" + found
    }

    /// The bytes of a file of the tree.
    func bytes(_ path: String) throws -> [UInt8] { try read(site.tree.appending(String(path.drop { $0 == "/" }))) }

    // MARK: - Forged documents

    /// The newest root document.
    func root() throws -> RootDocument {
        var version = 1
        while exists(site.tree.appending(TreePath.root(version + 1))) { version += 1 }
        let bytes = try read(site.tree.appending(TreePath.root(version)))
        return try RootDocument(
            verified: SignedFile(reading: bytes, kind: .root, subject: "root").payload,
            subject: "root"
        )
    }

    /// The manifest in force.
    func manifest() throws -> Manifest {
        let path = TreePath.manifest(try site.readPointer().manifest.version)
        let bytes = try read(site.tree.appending(path))
        return try Manifest(
            verified: SignedFile(reading: bytes, kind: .manifest, subject: "manifest").payload,
            subject: "manifest"
        )
    }

    /// Publishes a manifest as the publisher would who had lost his mind: properly signed, whatever it says.
    func publish(_ change: @Sendable (inout Manifest) throws -> Void) async throws {
        var manifest = try manifest()
        manifest.version += 1
        try change(&manifest)
        let new = manifest
        let bytes = try await Forger(site).using { forger in
            try await forger.signedFile(.manifest, new, by: try await forger.fingerprint("(release"))
        }
        try write(bytes, to: site.tree.appending(TreePath.manifest(new.version)))
        try await site.replacePointer {
            $0.manifest = Pointer.Manifest(version: new.version, file: FileReference(of: bytes))
        }
    }

    /// Publishes an index of the distribution `example` with exactly these bytes.
    func publish(index bytes: [UInt8]) async throws {
        let reference = FileReference(of: bytes)
        try write(bytes, to: site.tree.appending(TreePath.index(reference.sha256)))
        try await publish { $0.indexes["example"] = reference }
    }

    /// The index of the distribution `example`.
    func index() throws -> IndexShard {
        guard let reference = try manifest().indexes["example"] else { throw Unexpected(what: "no index") }
        let path = TreePath.index(reference.sha256)
        return try IndexShard(verified: read(site.tree.appending(path)), subject: path)
    }
}

/// One site that all tests copy: making keys and images takes longer than most attacks.
actor SharedSite {
    static let shared = SharedSite()

    private var making: Task<Site, any Error>?

    /// A copy of the test's own: `example/one/amd64`, three blocks long, and `example/two/amd64`.
    func copy() async throws -> Site {
        let task =
            making
            ?? Task {
                let site = try await Site(in: sharedDirectory.appending("site"))
                var one = SyntheticImage()
                one.bulk = 2200
                try await site.publish(one)
                var two = one
                two.name = "example/two/amd64"
                two.age = 3600
                try await site.publish(two)
                return site
            }
        making = task
        let site = try await task.value
        let top = ScratchDirectory.path.appending("site")
        try makeDirectory(top)
        try await Programs.shell("cp -a \"$1/keys\" \"$1/tree\" \"$2\"", site.top.string, top.string)
        return Site(at: top, fingerprint: site.fingerprint)
    }
}

/// Removed when the process ends.
private let sharedDirectory: FilePath = {
    let directory = (try? makeScratchDirectory()) ?? "/tmp/rct-shared-site"
    atexit { removeTree(sharedDirectory) }
    return directory
}()
