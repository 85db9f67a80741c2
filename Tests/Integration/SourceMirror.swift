// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// A downloader and the server that it expects, made small: where the image lies, and what a distribution puts beside it.
struct SourceMirror: Sendable, CustomTestStringConvertible {
    /// The downloader.
    var downloader: String
    /// More lines of `source`, and the definition's `image` and `mappings`.
    var source = ""
    var image = ""
    var mapping = ""
    /// The file that is the image, and those that vouch for it.
    var file: String
    var signatures: [String]
    /// Makes everything but the image, in the directory that holds it; `$file` is its name. There are `sig FILE OUT`,
    /// `asc FILE OUT` and `clear FILE OUT`, and `$mirror` and `$tar`.
    var script: String
    /// What the file is before that: the small system's tar, or the image of an installer by its name.
    var original: String?
    /// What files of the root hold afterwards, by their paths; nil for what is not there.
    var content: [String: String?] = [:]

    var testDescription: String { downloader }

    /// The file that the server's is made from.
    func original(_ system: SmallSystem) async throws -> FilePath {
        guard let original else { return system.tar }
        return try await InstallerImages.shared.image(original)
    }

    /// Makes the server's files, signed by one key.
    func make(_ mirror: FilePath, tar: FilePath, gnupg: FilePath, key: String) async throws {
        try await Programs.shell(
            """
            mirror=$1 tar=$2 path=$3 key=$5
            export GNUPGHOME=$4
            sign() { gpg --batch --yes --quiet --pinentry-mode loopback --passphrase '' -u "$key" "$@"; }
            sig() { sign --output "$2" --detach-sign "$1"; }
            asc() { sign --armor --output "$2" --detach-sign "$1"; }
            clear() { sign --output "$2" --clearsign "$1"; }
            mkdir -p "$mirror/$(dirname "$path")"
            cd "$mirror/$(dirname "$path")"
            file=$(basename "$path")
            cp "$tar" "$file"
            eval "$6"
            """,
            mirror.string,
            tar.string,
            file,
            gnupg.string,
            key,
            script
        )
    }

    /// The definition's text behind `image`.
    func definition(_ system: SmallSystem, url: String, keys: String, more: String = "") throws -> FilePath {
        let body =
            "packages:\n  manager: apk\n" + (mapping.isEmpty ? "" : "mappings:\n  architecture_map: \(mapping)\n")
        let lines = [
            "downloader: \(downloader)", "  url: \(url)", source.isEmpty ? "" : "  \(source)", keys.isEmpty ? "" : keys,
            more,
        ]
        return try system.definition(body, source: lines.filter { !$0.isEmpty }.joined(separator: "\n"), image: image)
    }

    static let all: [SourceMirror] = [
        SourceMirror(
            downloader: "rootfs-http",
            file: "pub/root.tar.gz",
            signatures: ["pub/root.tar.gz.asc"],
            script: "asc $file $file.asc"
        ),
        SourceMirror(
            downloader: "alpinelinux-http",
            image: "  release: 3.20",
            mapping: "alpinelinux",
            file: "v3.20/releases/x86_64/alpine-minirootfs-3.20.10-x86_64.tar.gz",
            signatures: ["v3.20/releases/x86_64/alpine-minirootfs-3.20.10-x86_64.tar.gz.asc"],
            script: "asc $file $file.asc; sha256sum $file >$file.sha256; touch alpine-minirootfs-3.20.9-x86_64.tar.gz"
        ),
        SourceMirror(
            downloader: "archlinux-http",
            image: "  release: current",
            mapping: "archlinux",
            file: "2026.01.01/archlinux-bootstrap-2026.01.01-x86_64.tar.zst",
            signatures: ["2026.01.01/archlinux-bootstrap-2026.01.01-x86_64.tar.zst.sig"],
            script: """
                mkdir -p root.x86_64 ../2025.12.01 ../latest
                tar -C root.x86_64 -xzf $tar; tar --zstd -cf $file root.x86_64; rm -r root.x86_64; sig $file $file.sig
                """
        ),
        SourceMirror(
            downloader: "gentoo-http",
            source: "variant: openrc",
            mapping: "gentoo",
            file: "releases/amd64/autobuilds/current-stage3-amd64-openrc/stage3-amd64-openrc-20260101T000000Z.tar.xz",
            signatures: [
                "releases/amd64/autobuilds/current-stage3-amd64-openrc/stage3-amd64-openrc-20260101T000000Z.tar.xz.DIGESTS"
            ],
            script: """
                { echo '# BLAKE2B HASH'; b2sum $file; echo '# SHA512 HASH'; sha512sum $file; } >list
                clear list $file.DIGESTS; rm list; touch stage3-amd64-openrc-splitusr-20260201T000000Z.tar.xz
                mkdir -p $mirror/snapshots portage/profiles; tar -cJf $mirror/snapshots/portage-latest.tar.xz portage
                sig $mirror/snapshots/portage-latest.tar.xz $mirror/snapshots/portage-latest.tar.xz.gpgsig; rm -r portage
                """
        ),
        SourceMirror(
            downloader: "voidlinux-http",
            source: "variant: musl",
            mapping: "voidlinux",
            file: "void-x86_64-musl-ROOTFS-20260101.tar.xz",
            signatures: ["sha256sum.txt.sig"],
            script: "sha256sum --tag $file >sha256sum.txt; sig sha256sum.txt sha256sum.txt.sig"
        ),
        SourceMirror(
            downloader: "openwrt-http",
            image: "  release: 24.10",
            mapping: "openwrt",
            file: "releases/24.10.2/targets/x86/64/openwrt-24.10.2-x86-64-rootfs.tar.gz",
            signatures: ["releases/24.10.2/targets/x86/64/sha256sums.asc"],
            script:
                "sha256sum -b $file >sha256sums; asc sha256sums sha256sums.asc; mkdir $mirror/releases/24.10.0 $mirror/releases/24.10.3-rc1"
        ),
        SourceMirror(
            downloader: "opensuse-http",
            image: "  release: tumbleweed",
            mapping: "alpinelinux",
            file:
                "repositories/Virtualization:/containers:/images:/openSUSE-Tumbleweed/container/opensuse-tumbleweed-image.x86_64-1.0.0-lxc-Build2.10.tar.xz",
            signatures: [
                "repositories/Virtualization:/containers:/images:/openSUSE-Tumbleweed/container/opensuse-tumbleweed-image.x86_64-1.0.0-lxc-Build2.10.tar.xz.sha256"
            ],
            script:
                "sha256sum $file >list; clear list $file.sha256; rm list; touch opensuse-tumbleweed-image.x86_64-1.0.0-lxc-Build2.9.tar.xz"
        ),
        SourceMirror(
            downloader: "ubuntu-http",
            image: "  release: noble",
            mapping: "debian",
            file: "releases/noble/release/ubuntu-base-24.04.3-base-amd64.tar.gz",
            signatures: ["releases/noble/release/SHA256SUMS.gpg"],
            script:
                "sha256sum -b $file >SHA256SUMS; asc SHA256SUMS SHA256SUMS.gpg; touch ubuntu-base-24.04.1-base-amd64.tar.gz"
        ),
        SourceMirror(
            downloader: "alt-http",
            image: "  release: Sisyphus",
            mapping: "altlinux",
            file: "Sisyphus/cloud/x86_64/alt-sisyphus-rootfs-systemd-x86_64.tar.xz",
            signatures: ["Sisyphus/cloud/x86_64/SHA256SUMS.gpg"],
            script: "sha256sum $file >SHA256SUMS; sig SHA256SUMS SHA256SUMS.gpg"
        ),
        SourceMirror(
            downloader: "funtoo-http",
            image: "  release: 1.4-release-std",
            mapping: "funtoo",
            file: "1.4-release-std/x86-64bit/generic_64/stage3-latest.tar.xz",
            signatures: ["1.4-release-std/x86-64bit/generic_64/stage3-latest.tar.xz.gpg"],
            script: "sig $file $file.gpg"
        ),
        SourceMirror(
            downloader: "alpaquita-http",
            source: "variant: musl",
            image: "  release: 23",
            mapping: "alpinelinux",
            file: "alpaquita/musl/23/releases/x86_64/alpaquita-minirootfs-23-latest-musl-x86_64.tar.gz",
            signatures: ["alpaquita/musl/23/releases/x86_64/alpaquita-minirootfs-23-latest-musl-x86_64.tar.gz.asc"],
            script: "asc $file $file.asc; sha512sum $file >$file.sha512"
        ),
    ]
}
