// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
import Model
import SystemPackage

/// The downloader `docker-http`: an image of a registry, by skopeo(1) and umoci(1), for the image's own architecture. What
/// a tag means is looked up once, and the rest goes by digest.
struct DockerSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let source = context.definition.definition.source
        let skopeo = try HostProgram.require("skopeo", package: "skopeo")
        let umoci = try HostProgram.require("umoci", package: "umoci")
        let keys = try SourceKeys(source.keys)
        var reference = source.url.text
        for prefix in ["docker://", "https://", "http://"] where reference.hasPrefix(prefix) {
            reference = String(reference.dropFirst(prefix.count))
        }
        let (name, given) = Self.split(reference)
        guard !name.isEmpty else {
            throw RootcellarError(
                .source,
                "not the name of an image: '\(source.url)'",
                subject: "\(source.url.position)"
            )
        }
        let options = try certificates()
        let digest: String
        if let given {
            digest = given
        } else {
            digest = try answer(
                skopeo,
                ["inspect", "--format", "{{.Digest}}"] + options.inspect + ["docker://\(name)"]
            )
        }
        guard digest.hasPrefix("sha256:"), SHA256Digest(hex: String(digest.dropFirst(7))) != nil else {
            throw RootcellarError(.source, "the registry names no SHA-256: '\(digest)'", subject: name)
        }
        let isPinned = given != nil || keys.pins.contains(String(digest.dropFirst(7)))
        guard isPinned || source.skipVerification else {
            throw RootcellarError(
                .source,
                "a tag can mean another image every day; today it is \(digest)",
                subject: name,
                hint:
                    "write \(Self.untagged(name))@\(digest), or accept it with skip_verification: true, which taints the image"
            )
        }
        let layout = context.directory.scratch.appending("oci")
        let bundle = context.directory.scratch.appending("bundle")
        try context.log.step("fetch \(name)") { () throws(RootcellarError) in
            try run(
                skopeo,
                ["--insecure-policy", "--override-os", "linux"] + architecture + ["copy", "--quiet"] + options.copy
                    + ["docker://\(Self.untagged(name))@\(digest)", "oci:\(layout):image"]
            )
        }
        try context.log.step("unpack \(name)") { () throws(RootcellarError) in
            try run(umoci, ["unpack", "--image", "\(layout):image", bundle.string])
        }
        let rootfs = context.directory.rootfs
        try building("replace", rootfs.string) { () throws(Errno) in try removeHostDirectory(rootfs) }
        try renameHost(bundle.appending("rootfs"), to: rootfs)
        try RootfsDirectory(rootfs).empty("/dev")
        let created = try created(skopeo, layout)
        return OriginState(
            epoch: context.options.epoch ?? created,
            inputs: ["source.image": "\(Self.untagged(name))@\(digest)"],
            taints: isPinned ? [] : ["source.skip_verification: nobody vouches for \(name)"]
        )
    }

    /// A reference without its digest, and the digest.
    static func split(_ reference: String) -> (name: String, digest: String?) {
        guard let at = reference.lastIndex(of: "@") else { return (reference, nil) }
        return (String(reference[..<at]), String(reference[reference.index(after: at)...]))
    }

    /// A reference without its tag: only the last component can have one.
    static func untagged(_ name: String) -> String {
        guard let colon = name.lastIndex(of: ":"), !name[colon...].contains("/") else { return name }
        return String(name[..<colon])
    }

    /// The architecture as Go calls it.
    private var architecture: [String] {
        let known = ["i386": "386", "armhf": "arm", "armel": "arm", "ppc64el": "ppc64le"]
        let words = ["--override-arch", known[context.architecture] ?? context.architecture]
        let variants = ["armhf": "v7", "armel": "v5"]
        return words + (variants[context.architecture].map { ["--override-variant", $0] } ?? [])
    }

    /// skopeo wants authorities as a directory.
    private func certificates() throws(RootcellarError) -> (inspect: [String], copy: [String]) {
        guard let file = context.options.certificateAuthorities else { return ([], []) }
        let directory = context.directory.temporary.appending("registry")
        try makeHostDirectory(directory)
        try building("copy the certificate authorities", file) { () throws(Errno) in
            try writeFile(directory.appending("ca.crt"), try readFile(FilePath(file)))
        }
        return (["--cert-dir", directory.string], ["--src-cert-dir", directory.string])
    }

    /// The caller's own credentials are found by these.
    private var environment: [String: String] {
        var environment = ["PATH": HostProgram.searchPath, "TMPDIR": context.directory.temporary.string]
        for name in ["HOME", "XDG_RUNTIME_DIR", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE"] {
            if let value = unsafe getenv(name) { environment[name] = unsafe String(cString: value) }
        }
        if let proxy = context.options.proxy { environment["https_proxy"] = proxy }
        return environment
    }

    private func run(_ program: FilePath, _ arguments: [String]) throws(RootcellarError) {
        let position = context.log.position()
        let status = try HostProgram.run(
            program,
            arguments,
            environment: environment,
            output: context.log.descriptor
        )
        guard status == 0 else { throw failure(program, status, position) }
    }

    private func answer(_ program: FilePath, _ arguments: [String]) throws(RootcellarError) -> String {
        let position = context.log.position()
        let bytes = HostProgram.capture(
            program,
            arguments,
            environment: environment,
            errors: context.log.descriptor
        )
        guard let bytes else { throw failure(program, 1, position) }
        return stripped(String(decoding: bytes, as: UTF8.self))
    }

    private func failure(_ program: FilePath, _ status: Int, _ position: Int) -> RootcellarError {
        let said = context.log.tail(since: position, lines: 2).joined(separator: " | ")
        return RootcellarError(
            .source,
            "\(program.lastComponent?.string ?? "") ended with \(status): \(said)",
            subject: context.definition.definition.source.url.text
        )
    }

    /// When the image was made, as its configuration says.
    private func created(_ skopeo: FilePath, _ layout: FilePath) throws(RootcellarError) -> Timestamp {
        let text = try answer(skopeo, ["inspect", "--config", "--raw", "oci:\(layout):image"])
        guard let start = text.firstRange(of: "\"created\":\""),
            let date = Timestamp("\(text[start.upperBound...].prefix(19))Z")
        else { return context.definition.serialTime }
        return date
    }
}
