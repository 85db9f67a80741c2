// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
import Model
import SystemPackage

extension Contract {
    /// The members of `meta.tar.xz`, for privileged and unprivileged containers.
    func lxc(_ listing: RootfsListing?) throws(CheckFault) -> String? {
        let archive = try image.metadata("meta.tar.xz")
        let members = try self.members(archive)
        var includes: Set<String> = []
        for userMode in [false, true] {
            let metadata = try finding { () throws(RootcellarError) in
                try ImageMetadata(archive: archive, userMode: userMode)
            }
            try configuration(metadata.configuration, userMode: userMode)
            includes.formUnion(metadata.configuration.includes)
            for path in metadata.templates {
                guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
                    throw .failed("the template '\(path)' is not an absolute path")
                }
                guard let listing else { continue }
                guard listing.kind(path) == .file else {
                    throw .failed("the template \(path) is no file of the rootfs")
                }
            }
        }
        try excludes(members, listing)
        try expiry(members["expiry"])
        guard let message = members["create-message"], message.last == 0x0A else {
            throw .failed("create-message is missing or does not end with a line feed")
        }
        return "includes \(includes.sorted().joined(separator: ", "))"
    }

    private func members(_ archive: [UInt8]) throws(CheckFault) -> [String: [UInt8]] {
        var members: [String: [UInt8]] = [:]
        try finding { () throws(RootcellarError) in
            let reader = TarReader(bytes: archive)
            while let entry = try reader.next() {
                var content: [UInt8] = []
                try reader.readContent { bytes throws(RootcellarError) in
                    unsafe bytes.withUnsafeBytes { unsafe content.append(contentsOf: $0) }
                }
                members[String(decoding: entry.path, as: UTF8.self)] = content
            }
        }
        return members
    }

    private func configuration(_ configuration: ImageConfiguration, userMode: Bool) throws(CheckFault) {
        let mode = userMode ? "config-user" : "config"
        guard let wanted = Architecture(name: image.name.architecture) else {
            throw .failed("the architecture '\(image.name.architecture)' is unknown")
        }
        guard let architecture = configuration.architecture else { throw .failed("\(mode) sets no lxc.arch") }
        let isRight =
            ["linux32", "linux64"].contains(architecture)
            ? architecture == wanted.personality : Architecture(name: architecture) == wanted
        guard isRight else {
            throw .failed("\(mode): lxc.arch is \(architecture), the image's architecture \(image.name.architecture)")
        }
        guard
            configuration.includes.contains("common.conf")
                || configuration.includes.contains(where: { $0.hasSuffix("common.conf") })
        else { throw .failed("\(mode) does not include common.conf: the container would get no mounts and no limits") }
        if userMode, !configuration.includes.contains(where: { $0.hasSuffix("userns.conf") }) {
            throw .failed("config-user does not include userns.conf: an unprivileged container would not start")
        }
        guard (try? openPath(lxcConfiguration, .readOnly, .directory).closeQuietly()) != nil else { return }
        for name in configuration.includes {
            guard (try? readStart(lxcConfiguration.appending(name), count: 1)) != nil else {
                throw .failed("\(mode) includes \(name), which LXC does not have")
            }
        }
    }

    /// Unprivileged users cannot unpack device nodes: each has to be named, and nothing else.
    private func excludes(_ members: [String: [UInt8]], _ listing: RootfsListing?) throws(CheckFault) {
        guard let bytes = members["excludes-user"] ?? members["excludes"], bytes.last == 0x0A else {
            throw .failed("excludes-user is missing or does not end with a line feed")
        }
        let lines = Set(String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init))
        guard let listing else { return }
        let nodes = Set(listing.devices.map { "./\($0)" })
        if let node = nodes.subtracting(lines).sorted().first {
            throw .failed("the device node \(node) is not in excludes-user: an unprivileged user cannot unpack it")
        }
        if let line = lines.subtracting(nodes).sorted().first {
            throw .failed("excludes-user names \(line), which is no device node of the rootfs")
        }
    }

    private func expiry(_ bytes: [UInt8]?) throws(CheckFault) {
        let text = bytes.map { String(decoding: $0, as: UTF8.self) } ?? ""
        guard text.last == "\n", let seconds = Int64(text.dropLast()) else {
            throw .failed("expiry is not a number of seconds and a line feed")
        }
        try expiry(seconds, "expiry")
    }

    /// A date that is neither past nor centuries away.
    func expiry(_ seconds: Int64, _ what: String) throws(CheckFault) {
        let date = Timestamp(seconds: seconds)
        guard seconds > now.seconds else { throw .failed("\(what): the image has expired already, at \(date)") }
        guard seconds - now.seconds <= Self.longestLife else {
            throw .failed("\(what): the image would never expire (\(seconds))")
        }
        guard image.document.lifetime > 0 else {
            throw .failed("image.json: a lifetime of \(image.document.lifetime) s")
        }
    }
}
