// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport

/// A tree as LXC's project published it: an index of lines and a detached signature beside each file, made by gpg itself.
struct SignedTree {
    let directory: FilePath
    private let home: FilePath
    /// The key that signs.
    let fingerprint: String
    /// The key in a file.
    let keyring: FilePath
    let serial = SyntheticImage().serial.description

    /// Makes a key and a tree with these images, each from a synthetic one.
    init(_ names: [String] = ["example/one/amd64/default"], in top: FilePath) async throws {
        directory = top.appending("tree")
        home = top.appending("gpg")
        keyring = top.appending("key.asc")
        try makeDirectory(directory.appending("meta/1.0"))
        fingerprint = try await Self.makeKey(home, keyring)
        for name in names {
            var image = SyntheticImage()
            image.name = name
            image.bulk = 300
            let source = top.appending("image-\(name.replacing("/", with: "-"))")
            try await image.write(to: source)
            try await Programs.shell(
                "mkdir -p \"$2\"; cp \"$1/rootfs.tar.xz\" \"$1/meta.tar.xz\" \"$2\"",
                source.string,
                build(name).string
            )
            for file in ["rootfs.tar.xz", "meta.tar.xz"] { try await sign(build(name).appending(file)) }
        }
        try await writeIndex(names.map { ($0, serial) })
    }

    /// Where the only build of an image is.
    func build(_ name: String = "example/one/amd64/default") -> FilePath {
        directory.appending("images/\(name)/\(serial)")
    }

    /// Replaces the index.
    func writeIndex(_ rows: [(name: String, serial: String)]) async throws {
        let lines = rows.map { row in
            "\(row.name.replacing("/", with: ";"));\(row.serial);/images/\(row.name)/\(row.serial)/\n"
        }
        let path = directory.appending("meta/1.0/index-system")
        try write(lines.joined().utf8, to: path)
        try await sign(path)
    }

    /// Puts a detached signature beside a file.
    func sign(_ path: FilePath) async throws { try await gpg("--armor", "--detach-sign", path.string) }

    /// Runs gpg with the tree's key.
    func gpg(_ words: String...) async throws {
        try await runProgram("gpg", ["--homedir", home.string, "--batch", "--yes"] + words).succeeded()
    }

    /// Makes a key.
    ///
    /// - Returns: its fingerprint.
    static func makeKey(_ home: FilePath, _ file: FilePath) async throws -> String {
        try await Programs.shell(
            """
            mkdir -m 700 "$1"; g="gpg --homedir $1 --batch --yes --quiet"
            $g --passphrase "" --quick-generate-key "Tree <tree@example.org>" ed25519 sign never
            $g --armor --export > "$2"; $g --with-colons --list-keys | awk -F: '$1 == "fpr" { print $10; exit }'
            """,
            home.string,
            file.string
        ).trimming()
    }

    /// Ends the agent that gpg started.
    func end() async throws { try await Programs.shell("gpgconf --homedir \"$1\" --kill all", home.string) }
}
