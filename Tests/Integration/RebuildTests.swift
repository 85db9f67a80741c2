// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// An image that is built again: not at all where nothing has changed, and to the same bytes where it is asked for.
@Suite("Building again", .scratchDirectory)
struct RebuildTests {
    private static let body = """
        packages:
          manager: apk
        targets:
          lxc:
            config:
            - type: all
              content: lxc.include = LXC_TEMPLATE_CONFIG/common.conf
        files:
        - generator: hostname
          path: /etc/hostname
        """

    private var image: FilePath { ScratchDirectory.path.appending("image") }

    private func build(_ definition: FilePath, _ more: String...) async throws -> ProgramResult {
        try await runProgram(
            Programs.directory.appending("rootcellar").string,
            ["build", definition.string, "--output", image.string] + more
        )
    }

    @Test("nothing is done where nothing has changed; a change, --force, or a damaged file builds anew in its place")
    func unchanged() async throws {
        let system = try await SmallSystem.make()
        let definition = try system.definition(Self.body)
        try await build(definition).succeeded()
        func inode() async throws -> String { try await Programs.shell("stat -c %i \"$1/image.json\"", image.string) }
        let first = try await inode()
        let again = try await build(definition).succeeded()
        #expect(again.errors.contains("nothing has changed since 20260102_03:04"), "\(again.errors)")
        #expect(try await inode() == first)
        try await build(definition, "--force").succeeded()
        let second = try await inode()
        #expect(second != first)
        try await Programs.shell("printf x | dd of=\"$1/rootfs.tar.zst\" conv=notrunc status=none", image.string)
        try await build(definition).succeeded()
        let third = try await inode()
        #expect(third != second)
        try await build(try system.definition(Self.body.replacing("/etc/hostname", with: "/etc/hosts"))).succeeded()
        #expect(try await inode() != third)
        let left = try await Programs.shell("ls -A \"$1\"", ScratchDirectory.path.string)
        #expect(left.split(separator: "\n").sorted() == ["definition.yaml", "image", "system", "system.tar.gz"])
        // Of another image, or of nobody's, nothing is replaced.
        let other = try await build(definition, "-o", "image.release=two")
        #expect(other.status == 20 && other.errors.contains("the output directory is not empty"), "\(other.errors)")
    }

    @Test("rebuild makes the same bytes, and tells every difference by file and member")
    func rebuild() async throws {
        let system = try await SmallSystem.make()
        try await build(try system.definition(Self.body), "-o", "image.release=one").succeeded()
        let program = Programs.directory.appending("rootcellar").string
        let same = try await runProgram(program, ["rebuild", image.string, "--threads", "1"])
        #expect(same.status == 0 && same.output == "", "\(same.output)\n\(same.errors)")
        #expect(!exists(ScratchDirectory.path.appending("image.rebuilt")))
        // The source has changed since.
        _ = try await SmallSystem.make(more: "echo other >etc/hosts; chmod 700 root; touch etc/new")
        let different = try await runProgram(program, ["rebuild", image.string])
        #expect(different.status == 32)
        let lines = different.output.split(separator: "\n").map(String.init)
        for line in ["differs: rootfs.tar.xz", "content: /etc/hosts", "mode: /root", "only in the new: /etc/new"] {
            #expect(lines.contains(line), "\(line) is not in \(different.output)")
        }
        #expect(lines.contains { $0.hasPrefix("input source.system.tar.gz.sha256: ") })
        #expect(!lines.contains("differs: meta.tar.xz"))
    }

    @Test("an image has a bill of materials that SPDX's own validator accepts")
    func billOfMaterials() async throws {
        let system = try await SmallSystem.make(
            more: """
                mkdir -p lib/apk/db
                printf 'P:zlib\\nV:1.3-r1+a\\nA:x86_64\\no:zlib\\n\\nP:bash\\nV:5\\nA:x86_64\\n\\n' >lib/apk/db/installed
                """
        )
        try await build(try system.definition(Self.body)).succeeded()
        let bill = try text(image.appending("sbom.spdx.json"))
        #expect(bill.contains("\"referenceLocator\":\"pkg:apk/small/zlib@1.3-r1%2Ba?arch=x86_64\""))
        #expect(try text(image.appending("image.json")).contains("\"sbom.spdx.json\":{"))
        let validator = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
            .appending(".build/python/bin/pyspdxtools")
        let result = try await runProgram(
            validator.string,
            ["--infile", image.appending("sbom.spdx.json").string, "--version", "SPDX-2.3"]
        )
        #expect(result.status == 0, "\(result.output)\n\(result.errors)")
        #expect(
            (result.output + result.errors).contains("document has been validated successfully")
                || result.output.isEmpty
        )
    }

    @Test("an image that carries a private key is refused, and the key is named")
    func secrets() async throws {
        let system = try await SmallSystem.make(
            more: "mkdir root/.ssh; printf -- '-----BEGIN OPENSSH PRIVATE KEY-----\\nx\\n' >root/.ssh/id_ed25519"
        )
        let result = try await build(try system.definition(Self.body))
        #expect(result.status == 32)
        #expect(result.errors.contains("the image holds a private key: /root/.ssh/id_ed25519"), "\(result.errors)")
        #expect(!exists(image))
        let token = "ghp_" + String(repeating: "k", count: 36)
        let loud = try system.definition(
            Self.body
                + "\nactions:\n- trigger: post-unpack\n  action: |-\n    #!/bin/sh\n    rm -r /root/.ssh\n    echo token=\(token)\n"
        )
        let told = try await build(loud)
        #expect(told.status == 32 && told.errors.contains("looks like a secret"), "\(told.errors)")
        #expect(!told.errors.contains(token))
    }
}
