// SPDX-License-Identifier: Apache-2.0

import Archive
import Client
import Model
import Testing

@Suite("An image's metadata archive")
struct ImageMetadataTests {
    private static func configuration(_ architecture: String) -> String { "lxc.arch = \(architecture)\n" }

    private func archive(_ members: [(String, String)]) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var writer = TarWriter(namePrefix: "") { piece throws(RootcellarError) in
            unsafe piece.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        }
        for (name, text) in members {
            let content = Array(text.utf8)
            try writer.begin(TarEntry(path: Array(name.utf8), kind: .file, mode: 0o644, size: content.count))
            if !content.isEmpty { try writer.content(unsafe content.span.bytes) }
        }
        try writer.finish()
        return bytes
    }

    private func refusal(_ members: [(String, String)]) throws -> ErrorClass? {
        do throws(RootcellarError) {
            _ = try ImageMetadata(archive: try makeArchive(members), userMode: false)
            return nil
        } catch {
            return error.errorClass
        }
    }

    private func makeArchive(_ members: [(String, String)]) throws(RootcellarError) -> [UInt8] {
        do {
            return try archive(members)
        } catch {
            throw RootcellarError(.internal, "\(error)")
        }
    }

    @Test(
        "offers the member of the mode first, then that of the level",
        arguments: [
            (["config", "config-user", "config-user.7"], true, "config-user.7"),
            (["config", "config.7"], true, "config.7"),
            (["config-user", "config.7"], true, "config-user"), (["config", "config-user"], false, "config"),
            (["config", "config.5"], false, "config"),
        ]
    )
    func lookup(_ names: [String], _ userMode: Bool, _ chosen: String) throws {
        let architectures = ["x86_64", "arm64", "riscv64"]
        let members = zip(names, architectures).map { ($0, Self.configuration($1)) }
        let metadata = try ImageMetadata(archive: try archive(members), userMode: userMode)
        #expect(
            metadata.configuration.architecture
                == members.first { $0.0 == chosen }.map { String($0.1.dropFirst(11).dropLast()) }
        )
    }

    @Test("is refused with mounts, unknown or too many members, or without a configuration")
    func refused() throws {
        let good = ("config", Self.configuration("x86_64"))
        #expect(try refusal([good]) == nil)
        #expect(try refusal([("templates", "/x\n")]) == .meta)
        #expect(try refusal([good, ("fstab", "/ / none bind\n")]) == .meta)
        #expect(try refusal([good, ("rootfs.tar.xz", "x")]) == .meta)
        #expect(try refusal([good, ("etc/config", "x")]) == .meta)
        #expect(try refusal([good, good]) == .meta)
        #expect(try refusal([good] + (0..<100).map { ("config.\($0)", "") }) == .meta)
        #expect(try refusal([good, ("templates", "a\u{1b}b\n")]) == .meta)
        #expect(try refusal([good, ("create-message", String(repeating: "x", count: 300 << 10))]) == .meta)
    }

    @Test("has its message shown without control characters, indented and cut")
    func message() throws {
        let text = "Hello\u{1b}]52;c;x\u{7} \u{202e}there\n\nnext\n" + String(repeating: "line\n", count: 200)
        let metadata = try ImageMetadata(
            archive: try archive([("config", Self.configuration("x86_64")), ("create-message", text)]),
            userMode: false
        )
        let lines = metadata.message.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count <= 100)
        #expect(lines[0] == "  Hello]52;c;x there")
        #expect(lines.allSatisfy { $0.isEmpty || $0.hasPrefix("  ") })
    }
}
