// SPDX-License-Identifier: Apache-2.0

import Model
package import SystemPackage
package import TestSupport

/// A publisher: keys and a signed tree, in a directory of their own, made by the commands that people use.
package struct Site: Sendable {
    package static let id = "images.example.org"

    package let top: FilePath
    /// What clients pin.
    package let fingerprint: String
    package var keys: FilePath { top.appending("keys") }
    package var tree: FilePath { top.appending("tree") }
    package var pointer: FilePath { tree.appending(TreePath.pointer) }

    /// The site that is below `top` already.
    package init(at top: FilePath, fingerprint: String) {
        self.top = top
        self.fingerprint = fingerprint
    }

    /// Makes keys and a tree without images below `top`.
    package init(in top: FilePath = ScratchDirectory.path.appending("site"), id: String = Site.id) async throws {
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
    package static func publishing(_ image: SyntheticImage = SyntheticImage()) async throws -> Site {
        let site = try await Site()
        try await site.publish(image)
        return site
    }

    /// Makes an image and publishes it.
    ///
    /// - Returns: the tree that it was packed from.
    @discardableResult
    package func publish(_ image: SyntheticImage) async throws -> FilePath {
        let directory = top.appending("image-\(image.age)")
        try await image.write(to: directory)
        try await publish(directory).succeeded()
        return FilePath(directory.string + ".tree")
    }

    /// Publishes image directories.
    package func publish(_ directories: FilePath...) async throws -> ProgramResult { try await publish(directories) }

    /// Publishes image directories.
    package func publish(_ directories: [FilePath]) async throws -> ProgramResult {
        try await runProgram(Programs.directory.appending("rootcellar").string, publication(directories))
    }

    /// The words of such a command.
    package func publication(_ directories: [FilePath]) -> [String] {
        ["publish"] + directories.map(\.string) + ["--repo", tree.string, "--keys", keys.string, "--untested"]
    }

    /// `repo check --json`.
    package func check() async throws -> ProgramResult {
        try await Programs.rootcellar("repo", "check", "--repo", tree.string, "--fingerprint", fingerprint, "--json")
    }

    /// What a publisher keeps beside a tree, but for what it knows of the pages.
    package static func hiddenFiles(_ tree: FilePath) async throws -> String {
        let script = "cd \"$1/.rootcellar\"; find . -path ./pages -prune -o \\( -type f -o -type l \\) -print"
        return try await Programs.shell(script, tree.string)
    }

    /// Every file of the tree that servers show, relative to its top.
    package func files() async throws -> [String] {
        let list = try await Programs.shell(
            "cd \"$1\"; find . -name .rootcellar -prune -o -type f -printf '%P\\n' | LC_ALL=C sort",
            tree.string
        )
        return list.split(separator: "\n").map(String.init)
    }
}
