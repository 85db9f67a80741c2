// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport

extension PastFault {
    /// An image directory that keeps every promise but one.
    private static func contract(
        _ what: String,
        _ saying: String,
        _ change: @escaping @Sendable (inout SoundImage) -> Void
    ) -> PastFault {
        PastFault(what: what, gate: .test, status: 33, saying: saying) {
            var image = SoundImage()
            change(&image)
            return try await testImage(try await image.write(to: ScratchDirectory.path.appending("image")))
        }
    }

    /// The same with something done to the finished directory.
    private static func damaged(
        _ what: String,
        _ saying: String,
        _ damage: @escaping @Sendable (FilePath) async throws -> Void
    ) -> PastFault {
        PastFault(what: what, gate: .test, status: 33, saying: saying) {
            let directory = try await SoundImage().write(to: ScratchDirectory.path.appending("image"))
            try await damage(directory)
            return try await testImage(directory)
        }
    }

    private static let common = "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\n"
    private static let user = "lxc.include = LXC_TEMPLATE_CONFIG/userns.conf\n"
    private static let arch = "lxc.arch = x86_64\n"

    static let contracts = [
        contract("metadata that has lost its configuration", "no configuration") { $0.metadata("config", nil) },
        contract("metadata without configuration for unprivileged containers", "userns.conf") {
            $0.metadata("config-user", nil)
        },
        contract("a configuration without LXC's own mounts and limits", "common.conf") { $0.metadata("config", arch) },
        contract("a configuration that runs a program of the host", "lxc.hook.pre-start") {
            $0.metadata("config", common + arch + "lxc.hook.pre-start = /bin/sh\n")
        },
        contract("mounts that the image brings along", "mounts of its own") {
            $0.metadata("fstab", "proc proc proc\n")
        },
        contract("a configuration that includes a file of another LXC", "which LXC does not have") {
            $0.metadata("config", common + "lxc.include = LXC_TEMPLATE_CONFIG/gone.common.conf\n" + arch)
        },
        contract("the architecture of another image", "lxc.arch is") {
            $0.metadata("config", common + "lxc.arch = arm64\n")
        },
        contract("no architecture at all", "sets no lxc.arch") { $0.metadata("config", common) },
        contract("a template that is not in the rootfs", "is no file of the rootfs") {
            $0.metadata("templates", "/etc/hostname\n/etc/gone\n")
        },
        contract("a template that leads out of the container", "not an absolute path") {
            $0.metadata("templates", "/etc/../../../etc/passwd\n")
        },
        contract("a template through a link that leads nowhere", "is no file of the rootfs") {
            $0.tar.add("etc/linked", type: "2", link: "/run/nothing")
            $0.metadata("templates", "/etc/linked\n")
        },
        contract("a device node that unprivileged users cannot unpack", "is not in excludes-user") {
            $0.tar.add("dev/", type: "5", mode: 0o755)
            $0.tar.add("dev/null", type: "3")
        },
        contract("a list of device nodes that are not there", "no device node") {
            $0.metadata("excludes-user", "./dev/null\n")
        },
        contract("a last line without its end, lost by its readers", "does not end with a line feed") {
            $0.metadata("excludes-user", "./dev/null")
        },
        contract("an image that has expired when it is made", "has expired already") {
            $0.metadata("expiry", "1000000000\n")
        },
        contract("an expiry that nobody can read, taken for never", "not a number of seconds") {
            $0.metadata("expiry", "in a month\n")
        },
        contract("an image that stays in caches for centuries", "would never expire") {
            $0.metadata("expiry", "99999999999\n")
        },
        contract("no word for whoever creates a container", "create-message") { $0.metadata("create-message", nil) },
        contract("a member of the metadata that overwrites the cache", "no image's metadata may have") {
            $0.metadata("rootfs.tar.xz", "x\n")
        },
        contract("metadata of another build", "serial is") { $0.instance("serial: \"20", "serial: \"19") },
        contract("metadata of another variant", "variant is") { $0.instance("variant: default", "variant: cloud") },
        contract("a template of LXD that is not in the archive", "is not in the archive") {
            $0.instance("hostname.tpl", "host.tpl")
        },
        contract("a number that is written as a text", "is not a whole number") {
            $0.instance("creation_date: ", "creation_date: about ")
        },
        contract("metadata for another architecture", "the architecture is") { $0.instance("\"amd64\"", "\"arm64\"") },
        contract("an archive without its metadata", "there is no metadata.yaml") { $0.instance.removeFirst() },
        contract("a root one directory too deep", "no directory /etc") {
            $0.tar = RawTar()
            $0.tar.add("rootfs/", type: "5", mode: 0o755)
            $0.tar.add("rootfs/etc/", type: "5", mode: 0o755)
        },
        contract("a root without init", "there is no init") {
            $0.tar = RawTar()
            $0.tar.add("etc/", type: "5", mode: 0o755)
        },
        contract("one random seed for all containers", "random-seed") {
            for directory in ["var/", "var/lib/", "var/lib/systemd/"] { $0.tar.add(directory, type: "5", mode: 0o755) }
            $0.tar.add("var/lib/systemd/random-seed", text: "seed\n")
        },
        damaged(
            "a download that was cut, taken for whole",
            "is not the file that image.json names",
            { try await Programs.shell("truncate -s -20 \"$1/rootfs.tar.xz\"", $0.string) }
        ),
        damaged(
            "two archives of one image with different roots",
            "rootfs.tar.xz: ",
            { image in
                var other = SoundImage()
                other.tar.add("etc/other", text: "other\n")
                let place = try await other.write(to: ScratchDirectory.path.appending("other"))
                let script = """
                    cp "$2/rootfs.tar.xz" "$1"
                    python3 - "$1/image.json" "$2/image.json" <<'EOT'
                    import json, sys
                    mine, other = (json.load(open(name)) for name in sys.argv[1:])
                    mine["files"]["rootfs.tar.xz"] = other["files"]["rootfs.tar.xz"]
                    json.dump(mine, open(sys.argv[1], "w"))
                    EOT
                    """
                try await Programs.shell(script, image.string, place.string)
            }
        ),
        contract("an image without what LXC fetches", "which LXC needs") {
            $0.document = { $0.files["meta.tar.xz"] = nil }
        },
    ]

    /// A system that does not do what people start containers for.
    private static func boot(_ what: String, _ saying: String, _ system: BusyBoxSystem) -> PastFault {
        PastFault(what: what, gate: .boot, status: 33, saying: saying) {
            try await testImage(try await system.build(), "--only", "lxc", "--timeout", "8")
        }
    }

    static let boots = [
        boot(
            "networking that does not come up",
            "address: ",
            BusyBoxSystem(startScript: "hostname -F /etc/hostname\nip link set lo up")
        ),
        boot(
            "the name server of the machine that built it",
            "DNS: ",
            BusyBoxSystem(
                change: "sed -i 's/for server in .dns/for server in 192.0.2.53/' usr/share/udhcpc/default.script\n"
            )
        ),
        boot("the host name of the machine that built it", "host name: ", BusyBoxSystem(hasHostName: false)),
        boot(
            "a start that never ends",
            "boot: ",
            BusyBoxSystem(startScript: "hostname -F /etc/hostname\nsleep 1000")
        ),
        boot(
            "a container that ends as soon as it is started",
            "lxc: ",
            BusyBoxSystem(change: "rm sbin/init; echo '#!/bin/true' >sbin/init; chmod 755 sbin/init\n")
        ),
        boot(
            "a container that stops only when it is killed",
            "stop: ",
            BusyBoxSystem(
                change: """
                    rm sbin/init; printf '%s\\n' '#!/bin/sh' 'trap "" PWR TERM INT HUP USR1 USR2' '/etc/init.d/rcS' \
                        'while :; do sleep 1; done' >sbin/init; chmod 755 sbin/init

                    """
            )
        ),
    ]
}
