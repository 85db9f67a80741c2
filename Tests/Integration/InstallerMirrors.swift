// SPDX-License-Identifier: Apache-2.0

/// The servers of the distributions that are taken from their installers.
extension SourceMirror {
    private static func call(_ release: String, _ package: String) -> String {
        "dnf -y --installroot=/rootfs --releasever=\(release) --setopt=reposdir=/rootcellar/repositories"
            + " --skip-broken install basesystem \(package)-release yum\n"
    }

    static let installers: [SourceMirror] = [
        SourceMirror(
            downloader: "almalinux-http",
            source: "variant: dvd",
            image: "  release: 9",
            file: "9/isos/x86_64/AlmaLinux-9.10-x86_64-dvd.iso",
            signatures: ["9/isos/x86_64/CHECKSUM", "9/isos/x86_64/CHECKSUM.asc"],
            script: """
                { echo "# $file: 1 bytes"; sha256sum --tag $file; } >list; clear list CHECKSUM; rm list
                touch AlmaLinux-9.9-x86_64-dvd.iso AlmaLinux-9-latest-x86_64-dvd.iso AlmaLinux-9.10-x86_64-boot.iso
                touch AlmaLinux-9.11-beta-1-x86_64-dvd.iso
                """,
            original: "live.iso",
            content: ["calls": call("9", "almalinux")]
        ),
        SourceMirror(
            downloader: "rockylinux-http",
            source: "variant: minimal",
            image: "  release: 9.4",
            file: "9.4/isos/x86_64/Rocky-9.4-x86_64-minimal.iso",
            signatures: ["9.4/isos/x86_64/CHECKSUM.asc"],
            script: "sha256sum --tag $file >CHECKSUM; asc CHECKSUM CHECKSUM.asc",
            original: "minimal.iso",
            content: ["calls": call("9", "rocky")]
        ),
        SourceMirror(
            downloader: "centos-http",
            source: "variant: dvd1",
            image: "  release: 10-Stream",
            file: "10-stream/BaseOS/x86_64/iso/CentOS-Stream-10-20260105.0-x86_64-dvd1.iso",
            signatures: ["10-stream/BaseOS/x86_64/iso/SHA256SUM.asc"],
            script: """
                sha256sum --tag $file >SHA256SUM; asc SHA256SUM SHA256SUM.asc
                touch CentOS-Stream-10-latest-x86_64-dvd1.iso CentOS-Stream-10-20251231.0-x86_64-dvd1.iso
                """,
            original: "live.iso",
            content: ["calls": call("10-stream", "centos-stream")]
        ),
        SourceMirror(
            downloader: "oraclelinux-http",
            source: "variant: dvd",
            image: "  release: 9",
            file: "OL9/u10/x86_64/OracleLinux-R9-U10-x86_64-dvd.iso",
            signatures: ["OL9/u10/x86_64/OracleLinux-R9-U10-x86_64-dvd.checksum"],
            script: """
                sha256sum $file >list; clear list ${file%.iso}.checksum; rm list
                mkdir -p ../../u9/x86_64 ../../u11/aarch64; touch ../../u9/x86_64/OracleLinux-R9-U9-x86_64-dvd.iso
                """,
            original: "plain.iso",
            content: ["calls": call("9", "oraclelinux")]
        ),
        SourceMirror(
            downloader: "springdalelinux-http",
            image: "  release: 8.6",
            file: "8.6/x86_64/os/images/boot.iso",
            signatures: ["8.6/x86_64/os/images/boot.iso.asc"],
            script: "asc $file $file.asc",
            original: "plain.iso",
            content: ["calls": call("8", "springdale")]
        ),
        SourceMirror(
            downloader: "openeuler-http",
            image: "  release: 24.03",
            file: "openEuler-24.03-LTS-SP2/ISO/x86_64/openEuler-24.03-LTS-SP2-x86_64-dvd.iso",
            signatures: ["openEuler-24.03-LTS-SP2/ISO/x86_64/openEuler-24.03-LTS-SP2-x86_64-dvd.iso.sha256sum.asc"],
            script: """
                sha256sum $file >$file.sha256sum; asc $file.sha256sum $file.sha256sum.asc
                mkdir $mirror/openEuler-24.03-LTS $mirror/openEuler-24.03-LTS-SP1 $mirror/openEuler-24.09
                """,
            original: "plain.iso",
            content: ["calls": call("24.03", "openEuler")]
        ),
        SourceMirror(
            downloader: "vyos-http",
            image: "  release: rolling",
            file: "vyos-2026.01.02-0021-rolling-generic-amd64.iso",
            signatures: ["vyos-2026.01.02-0021-rolling-generic-amd64.iso.asc"],
            script: "asc $file $file.asc; touch vyos-2025.12.31-0021-rolling-generic-amd64.iso",
            original: "vyos.iso"
        ),
    ]
}
