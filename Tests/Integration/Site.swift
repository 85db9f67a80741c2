// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport

/// A publisher: keys and a signed tree, in a directory of their own, made by the commands that people use.
struct Site: Sendable {
    static let id = "images.example.org"

    let top: FilePath
    /// What clients pin.
    let fingerprint: String
    var keys: FilePath { top.appending("keys") }
    var tree: FilePath { top.appending("tree") }
    var pointer: FilePath { tree.appending(TreePath.pointer) }

    /// Makes keys and a tree without images below `top`.
    init(in top: FilePath = ScratchDirectory.path.appending("site"), id: String = Site.id) async throws {
        self.top = top
        try makeDirectory(top)
        let made = try await Programs.rootcellar(
            "key",
            "init",
            "--keys",
            top.appending("keys").string,
            "--name",
            "Example",
            "--no-passphrase"
        ).succeeded()
        fingerprint = made.output.split(separator: "\n").last.map(String.init) ?? ""
        try await Programs.rootcellar(
            "repo",
            "init",
            "--repo",
            tree.string,
            "--keys",
            keys.string,
            "--id",
            id
        ).succeeded()
    }

    /// A site with one synthetic image.
    static func publishing(_ image: SyntheticImage = SyntheticImage()) async throws -> Site {
        let site = try await Site()
        try await site.publish(image)
        return site
    }

    /// Makes an image and publishes it.
    ///
    /// - Returns: the tree that it was packed from.
    @discardableResult
    func publish(_ image: SyntheticImage) async throws -> FilePath {
        let directory = top.appending("image-\(image.age)")
        try await image.write(to: directory)
        try await publish(directory).succeeded()
        return FilePath(directory.string + ".tree")
    }

    /// Publishes image directories.
    func publish(_ directories: FilePath...) async throws -> ProgramResult {
        try await runProgram(Programs.directory.appending("rootcellar").string, publication(directories))
    }

    /// The words of such a command.
    func publication(_ directories: [FilePath]) -> [String] {
        ["publish"] + directories.map(\.string) + ["--repo", tree.string, "--keys", keys.string, "--untested"]
    }

    /// `repo check --json`.
    func check() async throws -> ProgramResult {
        try await Programs.rootcellar("repo", "check", "--repo", tree.string, "--fingerprint", fingerprint, "--json")
    }

    /// Every file of the tree that servers show, relative to its top.
    func files() async throws -> [String] {
        let list = try await Programs.shell(
            "cd \"$1\"; find . -name .rootcellar -prune -o -type f -printf '%P\\n' | LC_ALL=C sort",
            tree.string
        )
        return list.split(separator: "\n").map(String.init)
    }
}
