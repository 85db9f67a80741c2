// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("The walk through keys in docs/trust.md", .scratchDirectory)
struct TrustWalkTests {
    @Test("works command by command, as it is written there, and every tree is right afterwards")
    func walk() async throws {
        let steps = try Self.steps()
        #expect(steps.count >= 8)
        let top = ScratchDirectory.path
        try write(Array("correct horse\n".utf8), to: top.appending("alice.txt"))
        let home = top.appending("home")
        let token = try await Self.makeToken(home)
        var image = SyntheticImage()
        image.name = "debian/bookworm/amd64"
        try await image.write(to: top.appending("image"))
        var script = "set -eu; cd \"$1\"; chmod 600 alice.txt; export HOME=\"$2\" TOKENKEY=\"$3\"; PATH=\"$4:$PATH\"\n"
        for step in steps {
            if step.heading == "Taking a build back" {
                script += "rootcellar publish image --repo TREE --keys ONLINE2 --untested --no-deltas >&2\n"
            }
            script += "echo \"== \(step.heading)\" >&2\n" + step.commands.joined(separator: "\n") + "\n"
        }
        script += """
            fpr() { gpg --show-keys --with-colons "$1" | awk -F: '$1 == "fpr" { print $10; exit }'; }
            rootcellar key export --keys KEYS --role root > root.asc
            rootcellar repo check --repo TREE --fingerprint "$(fpr root.asc)" >&2
            rootcellar repo check --repo TREE2 --fingerprint "$(fpr carol.asc)" >&2
            rootcellar key export --keys TOKEN --role root > token.asc
            rootcellar repo check --repo TREE3 --fingerprint "$(fpr token.asc)" >&2
            """
        script = script.replacing("20260131_05:24", with: image.serial.description)
        let result = try await runProgram(
            "bash",
            ["-c", script, "walk", top.string, home.string, token, Programs.directory.string]
        )
        _ = try await runProgram("gpgconf", ["--homedir", home.appending(".gnupg").string, "--kill", "all"])
        #expect(result.status == 0, Comment(rawValue: result.errors))
        // A release key of which the directory has no secret half signed all of the third tree.
        #expect(try directoryNames(top.appending("TOKEN/gnupg/private-keys-v1.d")).count == 2)
    }

    private struct Step {
        var heading: String
        var commands: [String]
    }

    /// The indented lines of the section, by their headings.
    private static func steps() throws -> [Step] {
        let file = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        var steps: [Step] = []
        var isInside = false
        for line in try text(file.appending("docs/trust.md")).split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("## ") { isInside = line == "## Keys and roles" }
            guard isInside else { continue }
            if line.hasPrefix("#") {
                steps.append(Step(heading: String(line.drop { $0 == "#" || $0 == " " }), commands: []))
            } else if line.hasPrefix("    ") {
                steps[steps.count - 1].commands.append(String(line.dropFirst(4)))
            }
        }
        return steps.filter { !$0.commands.isEmpty }
    }

    /// A GnuPG home with a key in it.
    ///
    /// - Returns: its fingerprint.
    private static func makeToken(_ home: FilePath) async throws -> String {
        let made = try await Programs.shell(
            """
            mkdir -p -m 700 "$1/.gnupg"
            gpg --homedir "$1/.gnupg" --batch --quiet --passphrase '' --quick-gen-key token ed25519 sign never >&2
            gpg --homedir "$1/.gnupg" --list-keys --with-colons | awk -F: '$1 == "fpr" { print $10; exit }'
            """,
            home.string
        )
        return made.trimming()
    }
}
