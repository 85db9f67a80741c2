// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import TestSupport
import Testing

@Suite("A tar is refused")
struct TarReaderTests {
    /// Reads all of it; the class of the refusal, or nil.
    private func refusal(_ bytes: [UInt8], limits: TarLimits = TarLimits()) -> ErrorClass? {
        do throws(RootcellarError) {
            let reader = TarReader(bytes: bytes, limits: limits)
            while try reader.next() != nil {}
            return nil
        } catch {
            return error.errorClass
        }
    }

    private func archive(_ build: (inout RawTar) -> Void) -> [UInt8] {
        var tar = RawTar()
        tar.addRoot()
        build(&tar)
        tar.end()
        return tar.bytes
    }

    @Test(
        "for a name that could leave the rootfs or mean two things",
        arguments: [
            "../x", "a/../../x", "a/..", "/etc/passwd", "//x", "/./x", "./../x", "a//b", "a/./b", "./.", "",
            String(repeating: "n", count: 99) + "/",
        ]
    )
    func names(_ name: String) {
        let valid = name.hasPrefix("nnn")
        #expect(refusal(archive { $0.add(name, content: []) }) == (valid ? nil : .archive))
    }

    @Test("for such a name in an extended header or a GNU long name", arguments: ["../x", "/x", "a/../b", "a//b"])
    func longNames(_ name: String) {
        #expect(
            refusal(
                archive {
                    $0.addExtended([("path", name)]); $0.add("fine")
                }
            ) == .archive
        )
        #expect(
            refusal(
                archive {
                    $0.addExtended([("linkpath", name)]); $0.add("fine", type: "1")
                }
            ) == .archive
        )
        #expect(
            refusal(
                archive {
                    $0.add("././@LongLink", type: "L", content: Array(name.utf8) + [0]); $0.add("fine")
                }
            ) == .archive
        )
    }

    @Test(
        "for a member of a type that no rootfs has",
        arguments: ["7", "D", "M", "N", "V", "A", "9"] as [Character]
    )
    func types(_ type: Character) { #expect(refusal(archive { $0.add("x", type: type) }) == .archive) }

    @Test("for sizes that header and extended header disagree on")
    func sizes() {
        #expect(
            refusal(
                archive {
                    $0.addExtended([("size", "1024")]); $0.add("x", content: [1])
                }
            ) == .archive
        )
        #expect(
            refusal(
                archive {
                    $0.addExtended([("size", "1")]); $0.add("x", content: [1])
                }
            ) == nil
        )
    }

    @Test("for content on something that is not a file", arguments: ["1", "2", "5", "6"] as [Character])
    func contentOnOthers(_ type: Character) {
        #expect(refusal(archive { $0.add("x", type: type, link: "y", content: [1]) }) == .archive)
    }

    @Test(
        "for owners that the kernel or another tool would take for others",
        arguments: [
            "4294967295", "1099511627776", "-2", "2147483648",
        ]
    )
    func owners(_ id: String) {
        #expect(
            refusal(
                archive {
                    $0.addExtended([("uid", id)]); $0.add("x", mode: "0004755")
                }
            ) == .archive
        )
        #expect(
            refusal(
                archive {
                    $0.addExtended([("gid", id)]); $0.add("x")
                }
            ) == .archive
        )
    }

    @Test("for numbers that are none", arguments: ["00x0644", "-000644", "0000 44"])
    func numbers(_ text: String) { #expect(refusal(archive { $0.add("x", mode: text) }) == .archive) }

    @Test("for a bad checksum, another magic and a second extended header")
    func headers() {
        #expect(refusal(archive { $0.add("x", checksum: 1) }) == .archive)
        #expect(refusal(archive { $0.add("x", magic: "xstar\u{0}00") }) == .archive)
        #expect(
            refusal(
                archive {
                    $0.addExtended([("comment", "a")]); $0.addExtended([("comment", "b")]); $0.add("x")
                }
            ) == .archive
        )
    }

    @Test(
        "for an extended header that is broken, repeats itself or is unknown",
        arguments: [
            "5 a=b", "99 path=x\n", "0 path=x\n", "8 path=\n", "x path=y\n", "7 x=yz\n",
        ]
    )
    func extended(_ body: String) {
        #expect(
            refusal(
                archive {
                    $0.add("h", type: "x", content: Array(body.utf8)); $0.add("x")
                }
            ) == .archive
        )
    }

    @Test("for a global header that sets anything")
    func global() {
        #expect(
            refusal(
                archive {
                    $0.addExtended([("path", "y")], type: "g"); $0.add("x")
                }
            ) == .archive
        )
        #expect(
            refusal(
                archive {
                    $0.addExtended([("comment", "y")], type: "g"); $0.add("x")
                }
            ) == nil
        )
    }

    @Test("for a root directory that is none")
    func root() {
        for type in ["0", "2", "1"] as [Character] {
            #expect(refusal(archive { $0.add(".", type: type, link: "x") }) == .archive)
        }
    }

    @Test("over its limits of members, bytes, depth and attributes")
    func limits() {
        var limits = TarLimits()
        limits.entries = 2
        #expect(
            refusal(
                archive {
                    $0.add("a"); $0.add("b")
                },
                limits: limits
            ) == .archive
        )
        limits = TarLimits()
        limits.contentBytes = 3
        #expect(refusal(archive { $0.add("a", content: [1, 2, 3, 4]) }, limits: limits) == .archive)
        let deep = Array(repeating: "d", count: 65).joined(separator: "/")
        #expect(
            refusal(
                archive {
                    $0.addExtended([("path", deep)]); $0.add("x")
                }
            ) == .archive
        )
        let many = (0..<65).map { ("SCHILY.xattr.user.a\($0)", "v") }
        #expect(
            refusal(
                archive {
                    $0.addExtended(many); $0.add("x")
                }
            ) == .archive
        )
    }

    @Test("when there is anything but zeros after its end, or its end is missing")
    func ends() {
        let good = archive { $0.add("x", content: [1]) }
        #expect(refusal(good) == nil)
        #expect(refusal(good + [UInt8](repeating: 0, count: 512)) == nil)
        #expect(refusal(good + [1]) == .archive)
        #expect(refusal(good + good) == .archive)
        #expect(refusal([]) == .archive)
        for length in stride(from: 0, to: good.count, by: 1) {
            #expect(refusal(Array(good.prefix(length))) == .archive, "a prefix of \(length) bytes")
        }
    }

    @Test("or read to its end, whatever single byte is changed")
    func mutations() {
        let good = archive {
            $0.addExtended([("path", "dir/name"), ("SCHILY.xattr.user.a", "b")])
            $0.add("x", content: Array("content".utf8))
            $0.add("link", type: "2", link: "target")
            $0.add("././@LongLink", type: "L", content: Array("long".utf8) + [0])
            $0.add("y", type: "5")
        }
        var generator = SeededGenerator()
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            let errorClass = refusal(bytes)
            #expect(errorClass == nil || errorClass == .archive)
        }
    }
}
