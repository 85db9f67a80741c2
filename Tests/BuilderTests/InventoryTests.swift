// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("What is in an image", .scratchDirectory)
struct InventoryTests {
    @Test("the databases of apk, pacman and rpm are read")
    func databases() {
        let apk = ApkDatabase.packages(
            "C:Q1x\nP:zlib\nV:1.3-r1\nA:x86_64\no:zlib\nF:lib\nR:libz.so\n\nP:busybox\nV:1.36\nA:x86_64\nT:a: b\n\nP:bad\n\n"
        )
        #expect(apk.map(\.name) == ["busybox", "zlib"])
        #expect(apk[1].version == "1.3-r1" && apk[1].source == "zlib")
        let pacman = PacmanDatabase.package("%NAME%\nbash\n\n%VERSION%\n5.2-1\n\n%BASE%\nbash\n\n%ARCH%\nx86_64\n")
        #expect(pacman == .init(name: "bash", version: "5.2-1", architecture: "x86_64", source: "bash"))
        #expect(PacmanDatabase.package("%NAME%\nbash\n\n%VERSION%") == nil)
        let rpm = RpmList.packages(
            "bash\t1:5.2-1\tx86_64\tbash-5.2-1.src.rpm\ngpg-pubkey\ta-b\t(none)\t(none)\ntwo-words\t1-2\tnoarch\ttwo-words-1-2.src.rpm\nbad\n"
        )
        #expect(rpm.map(\.name) == ["bash", "two-words"])
        #expect(rpm.map(\.source) == ["bash", "two-words"])
    }

    @Test("any bytes are a database, perhaps an empty one")
    func anything() {
        var generator = SeededGenerator()
        for _ in 0..<1000 {
            let text = String(
                decoding: generator.bytes(Int.random(in: 0..<60, using: &generator)).map { $0 & 0x7F },
                as: UTF8.self
            )
            _ = ApkDatabase.packages(text)
            _ = PacmanDatabase.package(text)
            _ = RpmList.packages(text)
            _ = DpkgStatus.packages(text)
            _ = ImageScan.tokens(text)
        }
    }

    @Test("private keys, identities and caches are found wherever the machine's own files are")
    func scan() async throws {
        let root = ScratchDirectory.path.appending("root")
        let made = try await runProgram(
            "sh",
            [
                "-euc",
                """
                mkdir -p "$1/etc/ssh" "$1/root/.ssh" "$1/var/cache/apt/archives/partial" "$1/usr/share" "$1/usr/local/etc"
                cd "$1"
                openssl genpkey -algorithm ed25519 -out root/.ssh/id 2>/dev/null
                cp root/.ssh/id usr/share/example.key
                { echo comment; cat root/.ssh/id; } >usr/local/etc/late.pem
                echo '-----BEGIN OPENSSH PRIVATE KEY-----' >etc/ssh/ssh_host_ed25519_key
                echo 0123 >etc/machine-id
                openssl pkey -in root/.ssh/id -pubout -out etc/public.pem
                """, "sh", root.string,
            ]
        )
        #expect(made.status == 0, "\(made.errors)")
        let scan = ImageScan(rootfs: try RootfsDirectory(root))
        #expect(
            try scan.findings().sorted() == [
                "a machine-id: /etc/machine-id", "a private key: /root/.ssh/id",
                "a private key: /usr/local/etc/late.pem",
                "an SSH host key: /etc/ssh/ssh_host_ed25519_key",
            ]
        )
        try MachineState.normalise(try RootfsDirectory(root), epoch: Timestamp(seconds: 1))
        #expect(
            try scan.findings().sorted() == ["a private key: /root/.ssh/id", "a private key: /usr/local/etc/late.pem"]
        )
    }

    @Test("tokens in a log are found and not repeated")
    func tokens() {
        let token = "ghp_" + String(repeating: "a", count: 36)
        #expect(ImageScan.tokens("clone https://user:secret@host/x\nkey=\(token)\nsee https://host/a@b").count == 2)
        #expect(ImageScan.tokens("TOKEN=\(token)").allSatisfy { !$0.contains("aaaaaaaa") })
    }

    @Test("a package URL quotes what has a meaning in it")
    func purls() {
        #expect(BillOfMaterials.quoted("1:2+b~3%") == "1:2%2Bb~3%25")
    }

    @Test(
        "knows packages of Slackware by their names",
        arguments: [
            ("aaa_base-15.0-x86_64-4.txz", "aaa_base", "15.0-4", "x86_64"),
            ("xorg-server-xephyr-1.20-noarch-2_slack15.0.tgz", "xorg-server-xephyr", "1.20-2_slack15.0", "noarch"),
            ("bash-5.2-x86_64-B1.tzst", "bash", "5.2-B1", "x86_64"), ("network.txz", nil, "", ""),
            ("a-1-noarch-1.rpm", nil, "", ""), ("a--1-noarch.txz", nil, "", ""), ("", nil, "", ""),
        ] as [(String, String?, String, String)]
    )
    func slackware(_ file: String, _ name: String?, _ version: String, _ architecture: String) {
        let package = SlackwarePackage(file: file)
        #expect(package?.name == name)
        guard let package else { return }
        #expect(package.version == version && package.architecture == architecture)
        let record = SlackwareDatabase.package("PACKAGE NAME:     \(package.full)\nFILE LIST:\n./\n")
        #expect(record?.name == name && record?.version == version)
        #expect(SlackwareDatabase.package("FILE LIST:\n") == nil)
    }

    @Test("takes a first word for all packages that begin with it")
    func slackwareLists() throws {
        let names: Set<String> = ["glibc", "util-linux", "etc"]
        for (file, isOne) in [
            ("glibc-zoneinfo-1-noarch-1.txz", true), ("util-linux-2-x86_64-1.txz", true), ("etc-15-x86_64-1.txz", true),
            ("util-other-2-x86_64-1.txz", false), ("aaa_glibc-solibs-2-x86_64-1.txz", false),
        ] {
            #expect(try #require(SlackwarePackage(file: file)).isOne(of: names) == isOne, "\(file)")
        }
    }
}
