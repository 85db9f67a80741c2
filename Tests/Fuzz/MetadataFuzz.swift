// SPDX-License-Identifier: Apache-2.0

import Archive
import Client
import Model

/// What an image says about its container, and what LXC and the user say.
enum MetadataFuzz {
    static let configurations = [
        "# Example\nlxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.arch = x86_64\n",
        "lxc.include = LXC_TEMPLATE_CONFIG/userns.conf\nlxc.hook.pre-start = /bin/sh\n",
    ].map { Array($0.utf8) }

    static func configuration(_ bytes: [UInt8]) {
        guard let read = try? ImageConfiguration(bytes) else { return }
        let container = try? ContainerConfiguration(existing: "lxc.rootfs.path = dir:/r\n", path: "config")
        let made = try? container?.text(image: read, directory: "/conf", exists: { _ in true }, name: "c")
        guard let made else { return }
        for line in made.split(separator: "\n") where line.hasPrefix("lxc.") {
            let key = line.prefix { $0 != " " && $0 != "=" }
            precondition(
                ["lxc.include", "lxc.arch", "lxc.rootfs.path", "lxc.uts.name"].contains(String(key)),
                "an image decides nothing but includes and the architecture"
            )
            precondition(key != "lxc.include" || line.hasPrefix("lxc.include = /conf/"), "includes are LXC's own")
            precondition(!line.contains(".."), "includes stay in their directory")
        }
    }

    static let archives = configurations.map {
        TarFuzz.archive(("config", $0), ("templates", Array("/etc/hosts\n".utf8)))
    }

    static func metadata(_ bytes: [UInt8]) {
        for userMode in [false, true] {
            guard let read = try? ImageMetadata(archive: bytes, userMode: userMode) else { continue }
            for template in read.templates {
                precondition(!template.split(separator: "/").contains(".."), "a template is inside the rootfs")
            }
            precondition(
                read.message.unicodeScalars.allSatisfy { $0 == "\n" || $0 == "\t" || !isUnprintable($0) },
                "a message is printable"
            )
        }
    }

    static let containers = [
        "# plain\nlxc.net.0.type = veth\nlxc.net.1.type = empty\nlxc.idmap = u 0 100000 65536\n"
            + "lxc.rootfs.path = dir:/x/rootfs\n",
        "lxc.net = \nlxc.network.type = veth\n\n#\nlxc.uts.name=\"x\"\n",
    ].map { Array($0.utf8) }

    static func container(_ bytes: [UInt8]) {
        guard let read = try? ContainerConfiguration(existing: text(bytes), path: "config"),
            let image = try? ImageConfiguration(configurations[0])
        else { return }
        _ = try? read.text(image: image, directory: "/conf", exists: { _ in true }, name: "c")
    }

    static let words = [
        "--path=/p\u{0}--name=n\u{0}--rootfs=/r\u{0}-ddebian\u{0}--rel\u{0}bookworm\u{0}-alx\u{0}--\u{0}x"
    ]
    .map { Array($0.utf8) }

    static func words(_ bytes: [UInt8]) {
        _ = try? TemplateWords(bytes.split(separator: 0, omittingEmptySubsequences: false).map { text(Array($0)) })
    }
}
