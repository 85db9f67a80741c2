// SPDX-License-Identifier: Apache-2.0

package import SystemPackage
import TestSupport

/// An archive of Debian's form, signed by a key of its own: dpkg of this machine, the few programs that it needs, and a
/// package that only some ask for. mmdebstrap and apt make a root of it in a second, without any network.
package struct PackageArchive {
    package let directory: FilePath
    /// The armored public key.
    package let key: String
    /// The name of its suite.
    package static let suite = "small"
    /// The package that is not part of every root.
    package static let extra = "extra"

    /// Makes one in a new directory.
    package static func make(in directory: FilePath, _ forger: Forger) async throws -> PackageArchive {
        let signer = try await forger.makeKey("Archive <archive@example>")
        try await Programs.shell(script, directory.string, forger.home.string, signer)
        let key = try await forger.gpg(["--armor", "--export", signer])
        return PackageArchive(directory: directory, key: key)
    }

    /// Signs the archive's state by another key.
    package func sign(by signer: String, _ home: FilePath) async throws {
        try await Programs.shell(Self.signing + "\nsign; gpgconf --kill all", directory.string, home.string, signer)
    }

    /// The lines of a definition's `source`, indented; without `url` the configured mirror counts.
    package func source(url: String? = nil, key: String? = nil) -> String {
        var lines = "downloader: debootstrap\n  suite: \(Self.suite)\n  variant: minbase"
        if let url { lines += "\n  url: \(url)" }
        guard let key else { return lines }
        return lines + "\n  keys:\n  - |\n"
            + key.split(separator: "\n", omittingEmptySubsequences: false).map { "    \($0)" }.joined(separator: "\n")
    }

    private static let signing = """
        top=$1 key=$3; export GNUPGHOME=$2
        sign() {
            gpg --batch --yes --quiet --pinentry-mode loopback --passphrase '' -u "$key" --clearsign \\
                --output "$top/dists/small/InRelease" "$top/dists/small/Release"
        }
        """

    private static let script =
        signing + """

            umask 022
            arch=$(dpkg --print-architecture)
            lists=main/binary-$arch
            mkdir -p "$top/pool" "$top/dists/small/$lists"
            cd "$top"
            # package NAME PRIORITY ESSENTIAL, of what is in the directory p.
            package() {
                mkdir -p p/DEBIAN
                printf '%s\\n' "Package: $1" 'Version: 1' "Architecture: $arch" "Priority: $2" "Essential: $3" \\
                    'Maintainer: Example <archive@example>' 'Description: Example' >p/DEBIAN/control
                find p -exec touch -h -d @1700000000 {} +
                SOURCE_DATE_EPOCH=1700000000 dpkg-deb --root-owner-group -Zgzip -z1 -b p "pool/$1_1_$arch.deb" >/dev/null
                rm -r p
            }

            mkdir -p p/usr/bin p/usr/sbin p/usr/lib p/etc p/root p/tmp p/proc p/sys p/dev p/run p/var/lib
            for directory in bin sbin lib; do ln -s usr/$directory p/$directory; done
            cp /bin/busybox p/usr/bin/
            for name in cat chmod cp diff grep head ln ls mkdir mv rm sed seq sleep touch true umount; do
                ln -s busybox p/usr/bin/$name
            done
            ln -s ../bin/true p/usr/sbin/ldconfig
            ln -s ../bin/true p/usr/sbin/start-stop-daemon
            printf 'root:x:0:0::/root:/bin/sh\\n' >p/etc/passwd
            printf 'root:x:0:\\n' >p/etc/group
            package base required yes

            # Shell and env of their own, because busybox would take its own dpkg wherever it is to run one.
            programs='/usr/bin/dpkg /usr/bin/dpkg-deb /usr/bin/dpkg-split /usr/bin/dpkg-query /usr/bin/tar /usr/bin/env
                /usr/bin/dash'
            mkdir -p p/usr/bin p/var/lib/dpkg p/etc/dpkg
            cp $programs p/usr/bin/
            ln -s dash p/usr/bin/sh
            for file in $(ldd $programs | sed -n 's/.* => \\(\\/[^ ]*\\).*/\\1/p; s/^[[:space:]]*\\(\\/lib[^ ]*\\).*/\\1/p' | sort -u); do
                install -D "$file" "p/usr/${file#/usr}"
            done
            [ ! -d p/usr/lib64 ] || ln -s usr/lib64 p/lib64
            package dpkg required yes

            # Without a package of this name there is no bootstrap; a script, as packages have them.
            mkdir -p p/etc/apt p/DEBIAN
            printf '#!/bin/sh\\necho configured >/etc/configured\\n' >p/DEBIAN/postinst
            chmod 755 p/DEBIAN/postinst
            package apt required yes
            mkdir -p p/usr/share/extra
            echo extra >p/usr/share/extra/file
            package extra optional no

            dpkg-scanpackages --multiversion pool 2>/dev/null >"dists/small/$lists/Packages"
            cd dists/small
            {
                printf '%s\\n' 'Suite: small' 'Codename: small' 'Date: Wed, 15 Nov 2023 00:00:00 UTC' \\
                    "Architectures: $arch" 'Components: main' 'SHA256:'
                echo " $(sha256sum <$lists/Packages | cut -c 1-64) $(stat -c %s $lists/Packages) $lists/Packages"
            } >Release
            sign
            """
}
