// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("Images of ISO 9660", .scratchDirectory)
struct ISOImageTests {
    /// Makes an image by the real xorriso, opens it, and gives it to `body`.
    private func withImage(
        _ script: String,
        _ body: (FilePath, FileDescriptor, Int) throws -> Void
    ) async throws {
        let top = ScratchDirectory.path
        let made = try await runProgram(
            "sh",
            [
                "-euc",
                """
                mkdir "$1/tree"; cd "$1/tree"
                eval "$2"
                xorriso -as mkisofs -quiet -R -J -V TEST -o "$1/image.iso" . 2>"$1/log" || { cat "$1/log" >&2; exit 1; }
                """, "sh", top.string, script,
            ]
        )
        try #require(made.status == 0, "\(made.errors)")
        let path = top.appending("image.iso")
        let file = try openPath(path, .readWrite)
        defer { file.closeQuietly() }
        try body(path, file, Int(try file.seek(offset: 0, from: .end)))
    }

    private func content(_ image: ISOImage, _ path: String) throws -> String? {
        guard let entry = try image.entry(path) else { return nil }
        try image.check(entry)
        let copy = ScratchDirectory.path.appending("copy")
        let output = try openPath(copy, .readWrite, [.create, .truncate])
        defer { output.closeQuietly() }
        try image.copy(entry, to: output)
        return String(decoding: try readFile(copy), as: UTF8.self)
    }

    @Test("give names, files and directories as they were put in")
    func reading() async throws {
        let long = String(repeating: "long-", count: 45) + "name_1.2-3~x.rpm"
        try await withImage(
            """
            mkdir -p Packages/b LiveOS; echo one >Packages/b/\(long); echo two >LiveOS/squashfs.img
            i=0; while [ $i -lt 300 ]; do echo $i >Packages/b/package-$i.rpm; i=$((i + 1)); done
            ln -s LiveOS link; : >empty
            """
        ) { _, file, size in
            let image = try ISOImage(file, size: size, name: "test")
            #expect(try content(image, "LiveOS/squashfs.img") == "two\n")
            #expect(try content(image, "/liveos/SQUASHFS.IMG") == "two\n")
            #expect(try content(image, "Packages/b/\(long)") == "one\n")
            #expect(try content(image, "empty") == "")
            #expect(try content(image, "nothing") == nil)
            #expect(try content(image, "empty/nothing") == nil)
            let packages = try #require(try image.entry("Packages"))
            #expect(packages.isDirectory)
            var names: [String] = []
            try image.walk(packages) { path, _ in names.append(path) }
            #expect(Set(names) == Set((0..<300).map { "b/package-\($0).rpm" } + ["b/\(long)"]))
            let entry = try #require(try image.entry("LiveOS/squashfs.img"))
            let place = try #require(try image.place(of: entry))
            #expect(try readAt(file, place.offset, place.size) == Array("two\n".utf8))
            let now = Int64(Date.now.timeIntervalSince1970)
            #expect(abs((image.created?.seconds ?? 0) - now) < 3600)
        }
    }

    @Test("that are none, or end too early, are refused")
    func refusals() async throws {
        try await withImage("echo one >one") { _, file, size in
            #expect(throws: RootcellarError.self) { try ISOImage(file, size: 16 * 2048, name: "test") }
            let image = try ISOImage(file, size: size, name: "test")
            let entry = try #require(try image.entry("one"))
            let place = try #require(try image.place(of: entry))
            // The directory is there still, the file is not.
            let cut = try ISOImage(file, size: place.offset, name: "test")
            let missing = try #require(try cut.entry("one"))
            #expect(throws: RootcellarError.self) { try cut.check(missing) }
            #expect(throws: RootcellarError.self) { try cut.place(of: missing) }
        }
    }

    @Test("with damage anywhere are read or refused, and nothing else")
    func damage() async throws {
        var generator = SeededGenerator()
        try await withImage("mkdir -p a/b; echo one >a/b/one; touch a/\(String(repeating: "x", count: 240))") {
            path,
            file,
            size in
            let good = try readFile(path)
            // Where anything is that is looked at: descriptors, directories, continuations.
            let interesting = good.indices.filter { good[$0] != 0 && $0 >= 16 * 2048 }
            for _ in 0..<3000 {
                var changed: [(Int, UInt8)] = []
                for _ in 0..<Int.random(in: 1...4, using: &generator) {
                    let place = interesting.randomElement(using: &generator) ?? 0
                    changed.append((place, UInt8.random(in: 0...255, using: &generator)))
                }
                for (place, byte) in changed { try file.writeAll(toAbsoluteOffset: Int64(place), [byte]) }
                do throws(RootcellarError) {
                    let image = try ISOImage(file, size: size, name: "test")
                    if let top = try image.entry("") {
                        try image.walk(top) { _, entry throws(RootcellarError) in try image.check(entry) }
                    }
                } catch {
                    #expect(error.errorClass == .source || error.errorClass == .build)
                }
                for (place, _) in changed { try file.writeAll(toAbsoluteOffset: Int64(place), [good[place]]) }
            }
        }
    }

    @Test(
        "are chosen by product, version, architecture and variant",
        arguments: [
            ("AlmaLinux-9.4-x86_64-boot.iso", InstallerName.Kind.release),
            ("AlmaLinux-9.4-x86_64-boot-1.iso", .release), ("AlmaLinux-9-x86_64-Boot.iso", .release),
            ("AlmaLinux-9.4-beta-1-x86_64-boot.iso", .candidate), ("AlmaLinux-9-latest-x86_64-boot.iso", .alias),
            ("AlmaLinux-9.4-x86_64-dvd.iso", nil), ("AlmaLinux-9.4-aarch64-boot.iso", nil),
            ("AlmaLinux-90-x86_64-boot.iso", nil), ("AlmaLinux-9.4-x86_64-boot.iso.manifest", nil),
            ("AlmaLinux-9.4-x86_64_v2-boot.iso", nil), ("AlmaLinux-9.4-x86_64-boot-uek.iso", nil), ("boot.iso", nil),
        ] as [(String, InstallerName.Kind?)]
    )
    func names(_ name: String, _ kind: InstallerName.Kind?) {
        let read = InstallerName(name, product: "AlmaLinux", version: "9", architecture: "x86_64", variant: "boot")
        #expect(read?.kind == kind)
    }

    @Test("of Oracle Linux have several forms of names")
    func oracle() {
        let names = [
            "x86_64-boot.iso", "x86_64-boot-20210101.iso", "x86_64-boot-uek.iso", "aarch64-boot-uek-20211115.iso",
            "OracleLinux-R9-U4-x86_64-dvd.iso", "OracleLinux-R9-U4-Server-x86_64-dvd.iso",
        ]
        #expect(OracleSource.image(names, "x86_64", "") == "x86_64-boot.iso")
        #expect(OracleSource.image(names, "x86_64", "boot-uek") == "x86_64-boot-uek.iso")
        #expect(OracleSource.image(names, "aarch64", "") == "aarch64-boot-uek-20211115.iso")
        #expect(OracleSource.image(names, "x86_64", "dvd") == "OracleLinux-R9-U4-x86_64-dvd.iso")
        #expect(OracleSource.image(names, "riscv64", "") == nil)
    }
}
