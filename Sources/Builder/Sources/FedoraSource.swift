// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import FoundationEssentials
import Model
import SystemPackage

/// The downloader `fedora-http`: Fedora's container image, an OCI layout in an archive. It is on the servers of releases,
/// where a signed list vouches for it, and on Koji, the build farm, where nothing does.
struct FedoraSource: RootSource {
    let context: BuildContext

    private static let product = "Fedora-Container-Base-Generic"

    func fill() throws(RootcellarError) -> OriginState {
        let umoci = try HostProgram.require("umoci", package: "umoci")
        let fetch = try SourceFetch(context)
        let (path, proofs) = try find(fetch)
        let file = try fetch.verified(path, proofs)
        let layout = context.directory.scratch.appending("oci")
        let newest = try SourceUnpacking(file: file, log: context.log).run(into: layout)
        try OCILayout(directory: layout, name: file.name).nameImage("image")
        let bundle = context.directory.scratch.appending("bundle")
        let position = context.log.position()
        let status = try context.log.step("unpack the image") { () throws(RootcellarError) in
            try HostProgram.run(
                umoci,
                ["unpack", "--image", "\(layout):image", bundle.string],
                environment: ["PATH": HostProgram.searchPath, "TMPDIR": context.directory.temporary.string],
                output: context.log.descriptor
            )
        }
        guard status == 0 else {
            let said = context.log.tail(since: position, lines: 2).joined(separator: " | ")
            throw RootcellarError(.source, "umoci ended with \(status): \(said)", subject: file.name)
        }
        let rootfs = context.directory.rootfs
        try building("replace", rootfs.string) { () throws(Errno) in try removeHostDirectory(rootfs) }
        try renameHost(bundle.appending("rootfs"), to: rootfs)
        try RootfsDirectory(rootfs).empty("/dev")
        try building("empty", layout.string) { () throws(Errno) in try removeHostDirectory(layout) }
        try building("forget", file.path.string) { () throws(Errno) in try truncateAndRewind(file.descriptor) }
        return fetch.state(newest)
    }

    /// Where the newest image is, and what vouches for it.
    private func find(_ fetch: SourceFetch) throws(RootcellarError) -> (path: String, [SourceProof]) {
        let release = context.definition.definition.image.release
        let architecture = context.rpmArchitecture
        let builds = "packages/\(Self.product)/\(release)"
        if let page = try fetch.page(builds) {
            // 20260101.0, 20260101.n.0
            let names = page.names(from: "20", to: "").filter { $0.prefix(8).allSatisfy(\.isNumber) }
            guard let build = names.last else {
                throw RootcellarError(.source, "there is no build", subject: fetch.url(builds) + "/")
            }
            let name = "\(Self.product)-\(release)-\(build).\(architecture).oci.tar.xz"
            let path = "\(builds)/\(build)/images/\(name)"
            return (path, [.signature("\(path).asc"), .plainList("\(path).sha256", .sha256)])
        }
        let directory = "releases/\(release)/Container/\(architecture)/images"
        let name = try fetch.newest(in: directory, from: "\(Self.product)-\(release)-", to: ".oci.tar.xz")
        // Fedora-Container-43-1.6-x86_64-CHECKSUM
        let build = name.dropFirst(Self.product.utf8.count + 1).dropLast(".\(architecture).oci.tar.xz".utf8.count)
        let list = "\(directory)/Fedora-Container-\(build)-\(architecture)-CHECKSUM"
        return ("\(directory)/\(name)", [.signedList(list, .sha256), .plainList(list, .sha256)])
    }
}

/// The index of an OCI layout (image-layout of the OCI Image Format Specification).
private struct OCILayout {
    let directory: FilePath
    /// For messages.
    let name: String

    private struct Index: Codable {
        struct Manifest: Codable {
            var mediaType: String
            var digest: String
            var size: Int
            var annotations: [String: String]?
        }

        var schemaVersion: Int
        var manifests: [Manifest]
    }

    /// Gives the layout's only image a name, whichever it had.
    func nameImage(_ text: String) throws(RootcellarError) {
        let layout = try RootfsDirectory(directory)
        guard let bytes = try layout.read("/index.json", limit: 1 << 20),
            var index = try? JSONDecoder().decode(Index.self, from: Data(bytes)), index.manifests.count == 1
        else {
            throw RootcellarError(.source, "not an OCI layout with one image", subject: name)
        }
        index.manifests[0].annotations = ["org.opencontainers.image.ref.name": text]
        guard let data = try? JSONEncoder().encode(index) else {
            throw RootcellarError(.internal, "an index that cannot be written", subject: name)
        }
        try layout.write("/index.json", Array(data))
    }
}
