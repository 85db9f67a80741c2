// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport

/// A system that boots: busybox as init, with DHCP and nothing else. What is wrong with it is the test's choice.
struct BusyBoxSystem {
    /// Executed by the init system at the start.
    var startScript = """
        hostname -F /etc/hostname
        ip link set lo up
        udhcpc -b -i eth0 -s /usr/share/udhcpc/default.script
        """
    /// What does the rest, in the root directory, before it is packed.
    var change = ""
    /// Writes the container's name into the root.
    var hasHostName = true
    var variant = "default"

    private static let base = """
        for name in init udhcpc ip nslookup readlink sleep printf poweroff halt reboot umount mount kill; do
            ln -sf busybox "bin/$name"
        done
        mkdir -p dev proc sys run var/tmp usr/share/udhcpc etc/init.d
        ln -sf ../bin/busybox sbin/init
        printf '%s\\n' '::sysinit:/etc/init.d/rcS' '::ctrlaltdel:/bin/poweroff' >etc/inittab
        cat >usr/share/udhcpc/default.script <<'EOT'
        #!/bin/sh
        case "$1" in
        deconfig) ip addr flush dev "$interface"; ip link set "$interface" up ;;
        bound | renew)
            ip addr replace "$ip/$mask" dev "$interface"
            for server in $dns; do echo "nameserver $server"; done >/etc/resolv.conf ;;
        esac
        EOT
        chmod 755 usr/share/udhcpc/default.script

        """

    /// Writes the definition, which has a serial of its own.
    func definition() async throws -> FilePath {
        let script = startScript.split(separator: "\n").map { "'\($0)'" }.joined(separator: " ")
        let system = try await SmallSystem.make(
            more: Self.base + "printf '%s\\n' '#!/bin/sh' \(script) >etc/init.d/rcS; chmod 755 etc/init.d/rcS\n"
                + change
        )
        let sum = try await Programs.shell("sha256sum \"$1\" | cut -c 1-64", system.tar.string).trimming()
        let hostName = hasHostName ? "- generator: hostname\n  path: /etc/hostname\n" : ""
        return try system.definition(
            """
            targets:
              lxc:
                create_message: "It is there."
                config:
                - type: all
                  after: 4
                  content: lxc.include = LXC_TEMPLATE_CONFIG/common.conf
                - type: user
                  after: 4
                  content: lxc.include = LXC_TEMPLATE_CONFIG/userns.conf
                - type: all
                  after: 4
                  content: lxc.arch = {{ image.architecture_personality }}
            files:
            - generator: dump
              path: /etc/small
              content: small
            \(hostName)
            \(SmallSystem.noPackages)
              update: false
              cleanup: false
            """,
            source: "downloader: rootfs-http\n  url: file://\(system.tar)\n  keys: ['sha256:\(sum)']",
            image: "  release: one\n  variant: \(variant)"
        )
    }

    /// Builds the image directory.
    func build(_ name: String = "image") async throws -> FilePath {
        let definition = try await definition()
        let output = ScratchDirectory.path.appending(name)
        let serial = try await Programs.shell("date -u +%Y%m%d_%H:%M").trimming()
        try await Programs.rootcellar(
            "build",
            definition.string,
            "-o",
            "image.serial=\(serial)",
            "--output",
            output.string
        ).succeeded()
        return output
    }
}
