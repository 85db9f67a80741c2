// SPDX-License-Identifier: Apache-2.0

import Definition
import Testing

@Suite struct ArchitectureTests {
    /// What each map makes of x86_64, i686, armv7l, aarch64, ppc, ppc64, ppc64le and s390x; `=` leaves the name.
    static let maps: [(map: ArchitectureMap, names: String)] = [
        (.alpinelinux, "x86_64 x86 armv7 = = = = ="),
        (.altlinux, "x86_64 i586 = aarch64 = = = ="),
        (.archlinux, "x86_64 = armv7 aarch64 = = = ="),
        (.centos, "= i386 = = = = = ="),
        (.debian, "amd64 i386 armhf arm64 powerpc powerpc64 ppc64el ="),
        (.funtoo, "generic_64 generic_32 armv7a_vfpv3_hardfp arm64_generic = = = ="),
        (.gentoo, "amd64 i686 armv7a_hardfp = ppc ppc64 ppc64le s390x"),
        (.openwrt, "x86-64 = armsr-armv7 armsr-armv8 = = = ="),
        (.plamolinux, "= x86 = = = = = ="),
        (.slackware, "x86_64 i586 = = = = = ="),
        (.voidlinux, "x86_64 i686 armv7l aarch64 = = = ="),
    ]

    @Test(arguments: maps.indices) func mapsNameArchitectures(_ index: Int) {
        let given = ["amd64", "i386", "armhf", "arm64", "powerpc", "powerpc64", "ppc64el", "s390x"]
        let row = Self.maps[index]
        for (name, expected) in zip(given, row.names.split(separator: " ")) {
            #expect(row.map.mapped(name) == (expected == "=" ? name : String(expected)))
        }
        #expect(row.map.mapped("armel") == "armel")
        #expect(row.map.mapped("riscv64") == "riscv64")
    }

    @Test func namesThatAMapDoesNotChangeStayAsWritten() {
        #expect(ArchitectureMap.gentoo.mapped("arm64") == "arm64")
        #expect(ArchitectureMap.gentoo.mapped("aarch64") == "aarch64")
        #expect(ArchitectureMap.almalinux.mapped("amd64") == nil)
    }

    static let names: [(name: String, kernel: String, personality: String, debian: String)] = [
        ("amd64", "x86_64", "linux64", "amd64"), ("x86_64_v2", "x86_64", "linux64", "amd64"),
        ("386", "i686", "linux32", "i386"), ("i686", "i686", "linux32", "i386"),
        ("armel", "armv6l", "linux32", "armel"), ("armv7", "armv7l", "linux32", "armhf"),
        ("armhf", "armv7l", "linux32", "armhf"), ("armv8l", "armv8l", "linux32", "armhf"),
        ("aarch64", "aarch64", "linux64", "arm64"), ("ppc64el", "ppc64le", "linux64", "ppc64el"),
        ("powerpc", "ppc", "linux32", "powerpc"), ("s390x", "s390x", "linux64", "s390x"),
        ("riscv64", "riscv64", "linux64", "riscv64"), ("riscv32", "riscv32", "linux32", "riscv32"),
        ("mipsel", "mips", "linux32", "mipsel"), ("mips64le", "mips64", "linux64", "mips64el"),
        ("loong64", "loongarch64", "linux64", "loong64"),
    ]

    @Test(arguments: names.indices) func namesAreKnown(_ index: Int) throws {
        let row = Self.names[index]
        let architecture = try #require(Architecture(name: row.name))
        #expect(architecture.rawValue == row.kernel)
        #expect(architecture.personality == row.personality)
        #expect(architecture.debianName(writtenAs: row.name) == row.debian)
    }

    @Test func noNameMeansTwoArchitectures() {
        #expect(Set(Architecture.knownNames).count == Architecture.knownNames.count)
        #expect(Architecture(name: "AMD64") == nil)
        #expect(Architecture(name: "") == nil)
    }

    @Test func mappingsOfTheDefinitionCountWithoutAMap() throws {
        let text = Samples.minimal + "mappings:\n  architectures:\n    amd64: pc\n"
        func mapped(_ overrides: String...) throws -> String {
            try Samples.load(text, overrides).definition.mappedArchitecture
        }
        #expect(try mapped("image.architecture=amd64") == "pc")
        #expect(try mapped("image.architecture=x86_64") == "x86_64")
        #expect(try mapped("image.architecture=x86_64", "mappings.architecture_map=debian") == "amd64")
    }
}
