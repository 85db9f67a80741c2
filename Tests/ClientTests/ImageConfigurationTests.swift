// SPDX-License-Identifier: Apache-2.0

import Archive
import Client
import Model
import TestSupport
import Testing

@Suite("An image's configuration")
struct ImageConfigurationTests {
    private func refusal(_ text: String) -> ErrorClass? {
        do throws(RootcellarError) {
            _ = try ImageConfiguration(Array(text.utf8))
            return nil
        } catch {
            return error.errorClass
        }
    }

    @Test("may choose LXC's own snippets and the architecture")
    func accepted() throws {
        let text = """
            # Distribution configuration
            lxc.include = LXC_TEMPLATE_CONFIG/common.conf
            lxc.include = LXC_TEMPLATE_CONFIG/userns.conf

            lxc.arch = x86_64
            """
        let configuration = try ImageConfiguration(Array(text.utf8))
        #expect(configuration.includes == ["common.conf", "userns.conf"])
        #expect(configuration.architecture == "x86_64")
    }

    @Test(
        "may choose nothing else",
        arguments: [
            "lxc.hook.pre-start = /bin/sh", "lxc.mount.entry = / mnt none bind 0 0", "lxc.include = /etc/passwd",
            "lxc.include = LXC_TEMPLATE_CONFIG/../x.conf", "lxc.include = LXC_TEMPLATE_CONFIG/common.conf.d/x.conf",
            "lxc.include = \"LXC_TEMPLATE_CONFIG/common.conf\"", "lxc.idmap =", "lxc.arch = made-up",
            "lxc.arch = amd64\nlxc.arch = arm64", "lxc.arch=x86_64\r", "lxc.environment = A=B", "lxc.rootfs.path = /",
            "lxc.include", " lxc.log.file = /x", "lxc.arch = x86_64\u{1b}[2J", "lxc.init.cmd = /bin/sh",
            String(repeating: "#\n", count: 300), "#" + String(repeating: "x", count: 5000),
        ]
    )
    func refused(_ text: String) { #expect(refusal(text) == .meta) }

    @Test("never crashes and is never half accepted, whatever the bytes")
    func anything() {
        var generator = SeededGenerator()
        let good = Array("lxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.arch = x86_64\n".utf8)
        for _ in 0..<5000 {
            var bytes = good
            bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            if let configuration = try? ImageConfiguration(bytes) {
                #expect(configuration.includes.allSatisfy { $0.hasSuffix(".conf") && !$0.contains("/") })
            }
        }
    }
}

@Suite("A container's configuration")
struct ContainerConfigurationTests {
    private func text(_ existing: String) throws -> String {
        var image = try ImageConfiguration([])
        image.includes = ["common.conf", "userns.conf"]
        image.architecture = "x86_64"
        return try ContainerConfiguration(existing: existing, path: "config").text(
            image: image,
            directory: "/usr/share/lxc/config",
            exists: { _ in true },
            name: "p1"
        )
    }

    private let existing = """
        # plain comment, about lxc.net.0 too
        lxc.net.0.type = veth
        lxc.net.1.type = empty
        lxc.idmap = u 0 100000 65536
        lxc.environment = X=LXC_NAME
        lxc.rootfs.path = dir:/home/u/p1/rootfs
        """

    private let assembled = """
        # plain comment, about lxc.net.0 too

        # Distribution configuration
        lxc.include = /usr/share/lxc/config/common.conf
        lxc.include = /usr/share/lxc/config/userns.conf
        lxc.arch = x86_64

        # Container specific configuration
        lxc.net.1.type = empty
        lxc.idmap = u 0 100000 65536
        lxc.environment = X=LXC_NAME
        lxc.rootfs.path = dir:/home/u/p1/rootfs
        lxc.uts.name = p1

        # Network configuration
        lxc.net.0.type = veth

        """

    @Test("has the image's part first, the user's next and the network last, and the user's lines as they were")
    func order() throws { #expect(try text(existing) == assembled) }

    @Test("falls back from an old release's snippet to the common one, and says what is missing otherwise")
    func fallback() throws {
        var image = try ImageConfiguration([])
        image.includes = ["debian.common.conf"]
        let configuration = try ContainerConfiguration(existing: "", path: "config")
        let text = try configuration.text(image: image, directory: "/c", exists: { $0 == "/c/common.conf" }, name: "n")
        #expect(text.contains("lxc.include = /c/common.conf\n"))
        #expect(throws: RootcellarError.self) {
            try configuration.text(image: image, directory: "/c", exists: { _ in false }, name: "n")
        }
    }

    @Test("is refused when lxc-create's file is none")
    func notSettings() { #expect(throws: RootcellarError.self) { try text("what is this") } }
}
