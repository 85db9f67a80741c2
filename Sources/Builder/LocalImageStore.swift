// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Glibc
package import Model
import SystemPackage

/// The Incus or LXD of this machine, spoken to by its own client: the remote `local` and the project `default`, whatever
/// else the client is set to.
package struct LocalImageStore {
    private let client: FilePath

    /// The first of the clients that has a daemon to speak to.
    ///
    /// - Parameter prefersLXD: whether LXD is asked before Incus.
    /// - Throws: `POLICY` if none has; to be found before an image is built for it.
    package init(prefersLXD: Bool) throws(RootcellarError) {
        let names = prefersLXD ? ["lxc", "incus"] : ["incus", "lxc"]
        let found = names.compactMap { HostProgram.find($0) }
        guard let client = found.first(where: { Self.ask($0, "") != nil }) else {
            throw RootcellarError(
                .policy,
                found.isEmpty
                    ? "there is no client of Incus or LXD to import with"
                    : "no daemon answers here: \(found.map(\.string).joined(separator: ", "))",
                subject: "--import-into-incus",
                hint: found.isEmpty
                    ? "install 'incus-client' or 'lxd-client'" : "start Incus or LXD, and be in its group"
            )
        }
        self.client = client
    }

    /// Puts the files of an image into the store, and lets an alias point to it. The image that is there already, which
    /// is of the very same bytes, is that image.
    ///
    /// - Parameters:
    ///   - alias: a name for it; none if empty. It is taken from the image that has it.
    ///   - description: of the alias.
    /// - Throws: `BUILD` with the client's words if it refuses.
    package func add(_ image: BuiltImage, alias: String, description: String) throws(RootcellarError) {
        let fingerprint = try Self.fingerprint(image)
        if Self.ask(client, "/images/\(fingerprint)") == nil {
            try run(
                ["image", "import", "--project", "default"] + image.files.map { image.path.appending($0).string } + [
                    "local:"
                ]
            )
        }
        guard !alias.isEmpty else { return }
        let path = "/images/aliases"
        let place = "\(path)/\(Self.quoted(alias))"
        let isThere = Self.ask(client, place) != nil
        let body = Alias(name: isThere ? nil : alias, target: fingerprint.description, description: description)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(body) else { return }
        let words = ["--request", isThere ? "PUT" : "POST", "--data", String(decoding: data, as: UTF8.self)]
        try run(["query"] + words + [Self.address(isThere ? place : path)])
    }

    private struct Alias: Encodable {
        var name: String?
        var target: String
        var description: String
    }

    /// What both daemons call an image: the hash of all its files, one after the other.
    private static func fingerprint(_ image: BuiltImage) throws(RootcellarError) -> SHA256Digest {
        var hasher = SHA256Hasher()
        for name in image.files {
            let path = image.path.appending(name)
            try building("read", path.string) { () throws(Errno) in
                let file = try openPath(path, .readOnly)
                defer { file.closeQuietly() }
                var buffer = [UInt8](repeating: 0, count: 1 << 20)
                while true {
                    let count = try readBlock(file, &buffer)
                    unsafe hasher.update(buffer.span.extracting(first: count).bytes)
                    if count < buffer.count { return }
                }
            }
        }
        return hasher.finish()
    }

    /// As a part of a path: an alias may hold slashes.
    private static func quoted(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain = (byte < 0x80 && Character(Unicode.Scalar(byte)).isLetter) || (0x30...0x39).contains(byte)
            if isPlain || "-._~".utf8.contains(byte) { return String(Unicode.Scalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count < 2 ? "0" : "") + digits
        }.joined()
    }

    /// The client's own variables, by which it finds its daemon, its certificates and its settings.
    private static var environment: [String: String] {
        var result = ["PATH": HostProgram.searchPath, "LC_ALL": "C.UTF-8", "HOME": "/root"]
        for name in [
            "HOME", "XDG_CONFIG_HOME", "INCUS_CONF", "INCUS_DIR", "INCUS_SOCKET", "LXD_CONF", "LXD_DIR", "LXD_SOCKET",
        ] {
            if let value = unsafe getenv(name) { result[name] = unsafe String(cString: value) }
        }
        return result
    }

    /// The client's command `query` takes no option for the project.
    private static func address(_ path: String) -> String { "local:/1.0\(path)?project=default" }

    private static func ask(_ client: FilePath, _ path: String) -> [UInt8]? {
        HostProgram.capture(client, ["query", address(path)], environment: environment)
    }

    private func run(_ words: [String]) throws(RootcellarError) {
        let status = try HostProgram.run(
            client,
            words,
            environment: Self.environment,
            output: .standardError
        )
        guard status == 0 else {
            throw RootcellarError(
                .build,
                "'\(words.prefix(2).joined(separator: " "))' ended with status \(status); the files are made",
                subject: client.string
            )
        }
    }
}
