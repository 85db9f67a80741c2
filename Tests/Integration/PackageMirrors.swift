// SPDX-License-Identifier: Apache-2.0

/// The servers of the distributions that are put together here, out of packages, sources or layers.
extension SourceMirror {
    /// `package NAME SCRIPT`: makes a package of what is in the directory `p`, with a script of its own.
    private static let packages = """
        package() {
            mkdir -p p/install; printf '%s\\n' "$2" >p/install/doinst.sh
            case $1 in *.tzst) way=--zstd ;; *) way=-J ;; esac
            tar -C p $way -cf $1 ./; rm -r p
        }

        """

    static let slackware = SourceMirror(
        downloader: "slackware-http",
        image: "  release: 15.0",
        mapping: "slackware",
        file: "slackware64-15.0/slackware64/a/aaa_base-15.0-x86_64-4.txz",
        signatures: ["slackware64-15.0/slackware64/a/aaa_base-15.0-x86_64-4.txz.asc"],
        script: packages + """
            mkdir p; tar -C p -xzf $tar; mv p/etc/hostname p/etc/name; rm p/bin/sh; chmod 700 p/root
            mkdir -p p/etc/rc.d; echo 'USE_DHCP[0]=""' >p/etc/rc.d/rc.inet1.conf; echo /bin/dmesg >p/etc/rc.d/rc.M
            printf 'aaa_base: The first\\nother: No\\n' >slack-desc; mkdir p/install; mv slack-desc p/install/
            package $file '( cd etc ; rm -rf hostname )
            ( cd etc ; ln -sf name hostname )
            ( cd bin ; ln -sf busybox sh )'
            mkdir -p p/usr/share p/root; echo two >p/usr/share/two; chmod 711 p/root
            package pkgtools-15.0-noarch-42.txz 'chroot . /bin/cat /etc/hostname >usr/share/script; false'
            mkdir p; package sysvinit-3.02-x86_64-1.txz 'if [ -x bin/busybox ]; then
              /sbin/init u
            fi
            echo $1 >>usr/share/script'
            touch kernel-huge-5.15-x86_64-1.txz; mkdir ../n; mkdir p
            package wget-1.21-x86_64-1.txz 'echo n >>usr/share/script'; mv wget* ../n
            for name in *.txz ../n/*.txz; do [ ! -s $name ] || asc $name $name.asc; done
            """,
        content: [
            "usr/share/two": "two\n", "usr/share/script": "small\n-install\nn\n", "install/slack-desc": nil,
            "etc/rc.d/rc.inet1.conf": "USE_DHCP[0]=\"yes\"\n", "etc/rc.d/rc.M": "#/bin/dmesg\n", "etc/fstab": "",
            "var/log/scripts/wget-1.21-x86_64-1": "echo n >>usr/share/script\n",
        ]
    )

    static let plamo = SourceMirror(
        downloader: "plamolinux-http",
        image: "  release: 8.x",
        mapping: "plamolinux",
        file: "Plamo-8.x/x86_64/plamo/00_base/aaabase-8.0-x86_64-B1.tzst",
        signatures: ["Plamo-8.x/x86_64/plamo/SHA256SUMS.asc"],
        script: packages + """
            mkdir p; tar -C p -xzf $tar; rm p/etc/hostname; mkdir p/install; echo 'echo first' >p/install/initpkg
            package $file 'echo small >etc/hostname'
            mkdir network.txz; mkdir -p p/etc; echo inet >p/etc/inetd.conf
            package network.txz/inetutils-2.2-x86_64-B1.txz ''
            touch kernel-6.1-x86_64-B1.tzst; mkdir grub.txz; touch grub.txz/other-1-x86_64-B1.txz
            (cd ..; sha256sum 00_base/*.tzst 00_base/*/inet* >SHA256SUMS; asc SHA256SUMS SHA256SUMS.asc)
            """,
        content: [
            "etc/inetd.conf": "inet\n", "var/log/initpkg/aaabase": "echo first\n",
            "var/log/scripts/aaabase": "echo small >etc/hostname\n", "var/log/packages/kernel": nil,
        ]
    )

    private static let layout = """
        (umask 022; umoci init --layout oci; umoci new --image oci:fedora:43; umoci unpack --image oci:fedora:43 bundle >/dev/null
        tar -C bundle/rootfs -xzf $tar; umoci repack --image oci:fedora:43 bundle >/dev/null; rm -r bundle
        tar -C oci -cJf $file .; rm -r oci)

        """

    static let koji = SourceMirror(
        downloader: "fedora-http",
        image: "  release: 43",
        file:
            "packages/Fedora-Container-Base-Generic/43/20260102.0/images/Fedora-Container-Base-Generic-43-20260102.0.x86_64.oci.tar.xz",
        signatures: [
            "packages/Fedora-Container-Base-Generic/43/20260102.0/images/Fedora-Container-Base-Generic-43-20260102.0.x86_64.oci.tar.xz.asc"
        ],
        script: layout + "asc $file $file.asc; mkdir ../../20251231.n.1"
    )

    static let fedora = SourceMirror(
        downloader: "fedora-http",
        image: "  release: 43",
        file: "releases/43/Container/x86_64/images/Fedora-Container-Base-Generic-43-1.6.x86_64.oci.tar.xz",
        signatures: ["releases/43/Container/x86_64/images/Fedora-Container-43-1.6-x86_64-CHECKSUM"],
        script: layout
            + "{ echo \"# $file: 1 bytes\"; sha256sum --tag $file; } >list; clear list Fedora-Container-43-1.6-x86_64-CHECKSUM; rm list"
    )

    static let nixos = SourceMirror(
        downloader: "nixos-http",
        image: "  release: 26.05",
        file:
            "job/nixos/release-26.05/nixos.incusContainerImage.x86_64-linux/latest/download-by-type/file/squashfs-image",
        signatures: [
            "job/nixos/release-26.05/nixos.incusContainerImage.x86_64-linux/latest/download-by-type/file/squashfs-image.asc"
        ],
        script:
            "mkdir p; tar -C p -xzf $tar; rm $file; mksquashfs p $file -quiet -no-progress >/dev/null; rm -r p; asc $file $file.asc"
    )

    static let apertis = SourceMirror(
        downloader: "apertis-http",
        image: "  release: v2024\n  variant: minimal",
        mapping: "debian",
        file: "v2024/v2024.10/amd64/minimal/ospack_v2024-amd64-minimal_v2024.10.tar.gz",
        signatures: ["v2024/v2024.10/amd64/minimal/ospack_v2024-amd64-minimal_v2024.10.tar.gz.asc"],
        script: "asc $file $file.asc; mkdir ../../../v2024.9"
    )

    /// Sources with a configuration, a program in C and a list of links, as BusyBox has them.
    static let busybox = SourceMirror(
        downloader: "busybox",
        image: "  release: 1.36.1",
        file: "busybox-1.36.1.tar.bz2",
        signatures: ["busybox-1.36.1.tar.bz2.sig"],
        script: """
            mkdir busybox-1.36.1; cd busybox-1.36.1
            cat >busybox.c <<'END'
            #include <stdio.h>
            #include <string.h>
            int main(int count, char **words) {
                const char *slash = strrchr(words[0], '/');
                printf("small %s\\n", slash ? slash + 1 : words[0]);
                return count == 0;
            }
            END
            cat >Makefile <<'END'
            -include .config
            ifeq ($(CONFIG_STATIC),y)
            LDFLAGS += -static
            endif
            defconfig:
            \t@echo '# CONFIG_STATIC is not set' >.config
            busybox: busybox.c .config
            \tcc $(LDFLAGS) -o $@ busybox.c
            busybox.links:
            \t@printf '/bin/sh\\n/usr/bin/name\\n' >$@
            END
            cd ..; tar -cjf $file busybox-1.36.1; rm -r busybox-1.36.1; sig $file $file.sig
            """,
        content: ["usr/bin/none": nil]
    )

    static let assembled: [SourceMirror] = [slackware, plamo, koji, fedora, nixos, apertis, busybox]
}
