// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model

/// A systemd generator (systemd.generator(7)) that makes systemd's own units fit a container of LXC or Incus. It does
/// nothing anywhere else.
package enum SystemdAdaption {
    /// Where it goes; images with `/etc/systemd` get it.
    package static let path = "/etc/systemd/system-generators/lxc"

    /// Installs it into an image that has systemd.
    ///
    /// - Throws: `BUILD`.
    package static func install(_ rootfs: RootfsDirectory) throws(RootcellarError) {
        guard rootfs.status("/etc/systemd")?.kind == .directory else { return }
        try rootfs.write(path, Array(script.utf8), mode: 0o755, uid: 0, gid: 0)
    }

    static let script = #"""
        #!/bin/sh
        # Makes systemd's units fit a container of LXC or Incus. See systemd.generator(7).
        # Everything written here lives below /run and yields to what is in /etc/systemd/system.

        units="${1:-/run/systemd/generator}"

        tr '\0' '\n' < /proc/1/environ 2> /dev/null | grep -qx 'container=lxc' || exit 0

        version() {
            for program in /usr/lib/systemd/systemd /lib/systemd/systemd; do
                [ -x "$program" ] || continue
                "$program" --version 2> /dev/null | sed -n 's/^systemd \([0-9]*\).*/\1/p;q'
                return
            done
        }
        version="$(version)"
        version="${version:-0}"

        # Root inside is root outside when all ids are mapped to themselves.
        privileged() {
            read -r inside outside count < /proc/self/uid_map && [ "$inside $outside $count" = "0 0 4294967295" ]
        }

        mask() {
            for unit in "$@"; do
                ln -sf /dev/null "$units/$unit"
            done
        }

        # Adds lines to the section [Service] of a unit, after all other additions.
        extend() {
            mkdir -p "$units/$1.d"
            printf '[Service]\n%s\n' "$2" > "$units/$1.d/zzz-lxc.conf"
        }

        # What a container may not do to itself: hide parts of /proc, remount /sys, mount credentials, make a network.
        relax() {
            echo 'ProcSubset=all'
            echo 'ProtectProc=default'
            echo 'ProtectControlGroups=no'
            echo 'ProtectKernelTunables=no'
            echo 'NoNewPrivileges=no'
            [ "$version" -lt 247 ] || echo 'LoadCredential='
            [ "$version" -lt 254 ] || echo 'PrivateNetwork=no'
            [ "$version" -lt 256 ] || echo 'ImportCredential='
            if privileged; then
                # AppArmor's profile for containers forbids these mounts to a privileged one.
                echo 'PrivateTmp=no'
                echo 'PrivateDevices=no'
                echo 'PrivateMounts=no'
                echo 'ProtectHome=no'
                echo 'ProtectSystem=no'
                echo 'ProtectKernelLogs=no'
                echo 'ProtectKernelModules=no'
                echo 'ProtectClock=no'
                echo 'ReadWritePaths='
                echo 'ReadOnlyPaths='
                echo 'InaccessiblePaths='
            fi
        }

        if [ "$version" -ge 244 ]; then
            extend service "$(relax)"
        else
            # Before 244, additions to all services at once are not known.
            for directory in /lib/systemd/system /usr/lib/systemd/system /etc/systemd/system; do
                for file in "$directory"/*.service; do
                    [ -f "$file" ] && [ ! -L "$file" ] && extend "${file##*/}" "$(relax)"
                done
            done
        fi

        if ! privileged; then
            for service in systemd-networkd systemd-resolved; do
                extend "$service.service" 'BindReadOnlyPaths=/sys'
            done
        fi
        extend systemd-nsresourced.service 'ReadWritePaths=/run'

        # Not all of what these set exists in a container or may be set there, and that is fine.
        extend systemd-udev-trigger.service 'SuccessExitStatus=1'
        extend systemd-sysctl.service 'SuccessExitStatus=1'

        # Units that need the machine itself.
        mask auditd.service colord.service dev-hugepages.mount mdmonitor.service \
            systemd-binfmt.service systemd-firstboot.service systemd-hwdb-update.service \
            systemd-journald-audit.socket systemd-modules-load.service systemd-pstore.service \
            ua-messaging.service xfs_healer@-.service \
            sys-kernel-config.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
            proc-sys-fs-binfmt_misc.automount

        # Without terminals there is only the console.
        if [ ! -e /dev/tty1 ]; then
            mask getty@tty1.service
            mkdir -p "$units/getty.target.wants"
            for directory in /lib/systemd/system /usr/lib/systemd/system; do
                [ -f "$directory/console-getty.service" ] || continue
                ln -sf "$directory/console-getty.service" "$units/getty.target.wants/console-getty.service"
                break
            done
        fi

        # NetworkManager leaves virtual interfaces alone, and eth0 of a container is one. One that is up already it
        # would not configure; a routed one, which has no broadcast address, is configured from outside.
        if [ -d /etc/NetworkManager ]; then
            mkdir -p /run/udev/rules.d
            echo 'ACTION!="remove", ENV{ID_NET_DRIVER}=="veth", KERNEL=="eth[0-9]*", ENV{NM_UNMANAGED}="0"' \
                > /run/udev/rules.d/86-lxc-networkmanager.rules
            extend NetworkManager.service \
                "ExecStartPre=-/bin/sh -c 'ip -4 route show dev eth0 2>/dev/null | grep -q \"^169.254.0.1\" || ip link set eth0 down'"
        fi

        exit 0

        """#
}
