// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// A fault that has reached users of images somewhere, put into an image or a tree on purpose.
struct PastFault: Sendable, CustomTestStringConvertible {
    /// What has to stop it.
    enum Gate: String, Sendable { case validate, build, test, boot, publish, check }

    /// In words of ours, as `docs/operating.md` lists it.
    let what: String
    let gate: Gate
    /// The exit status that stops it.
    let status: Int
    /// A part of the one line that is said.
    let saying: String
    /// Puts the fault in and runs the command that has to refuse it.
    let run: @Sendable () async throws -> ProgramResult

    var testDescription: String { what }

    static let all = definitions + builds + contracts + boots + publications + trees
}

extension PastFault {
    /// A definition that is right but for one text.
    private static func validate(
        _ what: String,
        _ saying: String,
        _ change: @escaping @Sendable (String) -> String
    ) -> PastFault {
        PastFault(what: what, gate: .validate, status: 30, saying: saying) {
            let path = ScratchDirectory.path.appending("definition.yaml")
            let right = """
                image:
                  distribution: small
                  release: one
                  architecture: amd64
                source:
                  downloader: rootfs-http
                  url: file:///nothing
                packages:
                  manager: apt
                actions:
                - trigger: post-files
                  action: "true"

                """
            try write(right.utf8, to: path)
            try await Programs.rootcellar("validate", path.string).succeeded()
            try write(change(right).utf8, to: path)
            return try await Programs.rootcellar("validate", path.string)
        }
    }

    static let definitions = [
        validate("a misspelt key, passed over without a word", "unknown key 'pakages'") {
            $0.replacing("packages:", with: "pakages:")
        },
        validate("a script for a step that does not exist, never run", "is not a trigger") {
            $0.replacing("post-files", with: "post-file")
        },
        validate("an item for a kind of image that does not exist, always left out", "is not a type of image") {
            $0 + "  types: [contaner]\n"
        },
        validate("an architecture by a wrong name", "is not an architecture") { $0.replacing("amd64", with: "armv9") },
        validate("a source by a wrong name", "is not a downloader") {
            $0.replacing("rootfs-http", with: "rootfs-https")
        },
        validate("a key that is there twice, the first of them lost", "is there twice") {
            $0 + "packages:\n  manager: dnf\n"
        },
        validate("a definition that refers to itself until memory is full", "anchors and aliases") {
            $0.replacing("  release: one", with: "  release: &a one\n  variant: *a")
        },
    ]
}

extension PastFault {
    /// A build of a small system that is right but for a script, or for what is in it.
    private static func build(
        _ what: String,
        status: Int = 32,
        _ saying: String,
        script: String = "true",
        files: String = "",
        system: String = "",
        source: String? = nil,
        words: [String] = []
    ) -> PastFault {
        PastFault(what: what, gate: .build, status: status, saying: saying) {
            let small = try await SmallSystem.make(more: system)
            let definition = try small.definition(
                """
                \(SmallSystem.noPackages)
                files:
                - generator: dump
                  path: /etc/small
                  content: small
                \(files)
                actions:
                - trigger: post-files
                  action: |-
                    #!/bin/sh
                    \(script)
                """,
                source: source?.replacing("TAR", with: small.tar.string)
            )
            let output = ScratchDirectory.path.appending("image")
            let result = try await runProgram(
                Programs.directory.appending("rootcellar").string,
                ["build", definition.string, "--output", output.string] + words
            )
            #expect(!exists(output), "a build that failed left its image")
            return result
        }
    }

    static let builds = [
        build("a script that fails in the middle, its image published all the same", "post-files", script: "exit 3"),
        build("a script that is killed by a signal, taken for a success", "post-files", script: "kill -9 $$"),
        build("a script that hangs for ever", "time limit", script: "sleep 600", words: ["--timeout", "3"]),
        build(
            "a file that is to be copied and is not there, left out without a word",
            "/nowhere/file",
            files: "- generator: copy\n  source: /nowhere/file\n  path: /etc/file"
        ),
        build(
            "a key that is only named, fetched from whoever answers",
            status: 31,
            "key",
            source: "downloader: rootfs-http\n  url: file://TAR\n  keys: [0xC5CE5DC2C542CD59]"
        ),
        build(
            "a private key of the builder in every container",
            "a private key",
            script:
                "echo '-----BEGIN OPENSSH PRIVATE KEY-----' >/etc/ssl-key; mkdir -p /etc/ssl; mv /etc/ssl-key /etc/ssl/key"
        ),
        build(
            "a token of the builder in the published log",
            "looks like a secret",
            script: "echo ghp_0123456789abcdef0123456789abcdef0123"
        ),
    ]
}
