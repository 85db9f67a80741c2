// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("A merged /usr", .scratchDirectory)
struct MergedUsrTests {
    @Test(
        "is made before the first package, with the linker's directory where the architecture has one",
        arguments: [("amd64", true), ("ppc64el", true), ("arm64", false), ("i386", false)]
    )
    func links(architecture: String, isWide: Bool) throws {
        let top = ScratchDirectory.path.appending(architecture)
        try FileManager.default.createDirectory(atPath: top.string, withIntermediateDirectories: true)
        let merged = MergedUsr(try RootfsDirectory(top), architecture: architecture)
        try merged.prepare()
        for name in ["bin", "sbin", "lib"] + (isWide ? ["lib64"] : []) {
            let link = top.appending(name).string
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == "usr/\(name)")
            #expect(FileManager.default.fileExists(atPath: link))
        }
        #expect(FileManager.default.fileExists(atPath: top.appending("lib64").string) == isWide)
        let preferences = top.appending("etc/apt/preferences.d").string
        #expect(try FileManager.default.contentsOfDirectory(atPath: preferences).count == 1)
        try merged.tidy()
        #expect(try FileManager.default.contentsOfDirectory(atPath: preferences).isEmpty)
    }

    @Test("is wanted by an archive that knows the package, and not by one that has another that begins with its name")
    func offers() {
        func index(_ name: String) -> PackageIndex {
            var index = PackageIndex()
            let hash = String(repeating: "a", count: 64)
            let text = "Package: \(name)\nVersion: 37\nArchitecture: all\nSize: 5\nSHA256: \(hash)\n\n"
            index.add(Array(text.utf8))
            return index
        }
        #expect(index("usr-is-merged").offers(MergedUsr.package))
        #expect(!index("usr-is-merged-too").offers(MergedUsr.package))
        #expect(!index("usrmerge").offers(MergedUsr.package))
    }
}
