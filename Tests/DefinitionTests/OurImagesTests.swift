// SPDX-License-Identifier: Apache-2.0

import Definition
import FoundationEssentials
import Testing

/// The definitions of this repository, each with what it is meant to give for its releases, architectures and variants.
@Suite("Definitions of ours")
struct OurImagesTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var releases: [String]
        var architectures: [String]
        var variants: [String]
        /// What is mapped, in the order of the architectures.
        var mapped: [String]
        var downloader: Downloader
        var manager: PackageManager?
        var testDescription: String { name }
    }

    static let rows: [Row] = [
        row("almalinux", ["8", "9", "10"], .docker, .yum),
        row("alpine", ["3.22", "edge"], .alpinelinux, .apk, ["x86_64", "aarch64"]),
        row("alt", ["Sisyphus", "p11"], .alt, .apt, ["x86_64", "aarch64"]),
        row("amazonlinux", ["2023"], .docker, .yum, cloud: false),
        row("archlinux", ["current"], .archlinux, .pacman, ["x86_64", "aarch64"]),
        row("busybox", ["1.36.1"], .busybox, nil, cloud: false),
        row("centos", ["9-Stream", "10-Stream"], .docker, .dnf),
        row("devuan", ["daedalus"], .debootstrap, .apt), row("fedora", ["43", "44"], .docker, .dnf),
        row("gentoo", ["current"], .gentoo, .portage, cloud: false), row("kali", ["current"], .debootstrap, .apt),
        row("openeuler", ["24.03"], .docker, .yum),
        row("opensuse", ["tumbleweed", "15.6"], .opensuse, .zypper, ["x86_64", "aarch64"]),
        row("openwrt", ["24.10", "snapshot"], .openwrt, .apk, ["x86-64", "armsr-armv8"], cloud: false),
        row("oracle", ["8", "9", "10"], .docker, .yum),
        row("plamo", ["8.x"], .plamolinux, nil, ["amd64"], cloud: false),
        row("rockylinux", ["8", "9", "10"], .docker, .yum),
        row("slackware", ["15.0", "current"], .slackware, .slackpkg, ["x86_64"], cloud: false),
        row("ubuntu", ["jammy", "noble"], .debootstrap, .apt),
        row("voidlinux", ["current"], .voidlinux, .xbps, ["x86_64", "aarch64"], cloud: false),
    ]

    private static func row(
        _ name: String,
        _ releases: [String],
        _ downloader: Downloader,
        _ manager: PackageManager?,
        _ mapped: [String] = ["amd64", "arm64"],
        cloud: Bool = true
    ) -> Row {
        Row(
            name: name,
            releases: releases,
            architectures: ["amd64", "arm64"],
            variants: cloud ? ["default", "cloud"] : ["default"],
            mapped: mapped,
            downloader: downloader,
            manager: manager
        )
    }

    private func load(
        _ row: Row,
        _ release: String,
        _ architecture: String,
        _ variant: String
    ) throws -> ResolvedDefinition {
        let loaded = try Samples.load(
            try Samples.repositoryFile("builder/images/\(row.name).yaml"),
            ["image.release=\(release)", "image.architecture=\(architecture)", "image.variant=\(variant)"]
        )
        #expect(loaded.warnings.isEmpty, "\(row.name): \(loaded.warnings)")
        return loaded.definition
    }

    @Test("plan what they are meant to, for every release, architecture and variant", arguments: rows)
    func plans(_ row: Row) throws {
        for release in row.releases {
            for (architecture, mapped) in zip(row.architectures, row.mapped) {
                for variant in row.variants {
                    let image = try load(row, release, architecture, variant)
                    #expect(image.definition.source.downloader == row.downloader)
                    #expect(image.definition.packages.manager == row.manager)
                    #expect(image.mappedArchitecture == mapped)
                    let name = try image.imageName()
                    #expect("\(name)" == "\(row.name)/\(release.lowercased())/\(architecture)/\(variant)")
                    let config = try image.lxcConfig(.build(.container))
                    #expect(config["config"] == "lxc.include = LXC_TEMPLATE_CONFIG/common.conf\nlxc.arch = linux64\n")
                    #expect(config["config-user"]?.contains("userns.conf") == true)
                    let files = try image.files(.build(.container))
                    #expect(
                        files.count { $0.generator == .hostname } == 1 && files.count { $0.generator == .hosts } == 1
                    )
                    // The variant is what makes the difference, and all of it.
                    #expect(files.count { $0.generator == .cloudInit } == (variant == "cloud" ? 4 : 0))
                    let sets = image.earlySets() + image.packageSets(.build(.container))
                    #expect(sets.contains { $0.packages.contains("cloud-init") } == (variant == "cloud"))
                    for trigger in ActionTrigger.allCases {
                        for action in try image.actions(trigger, .build(.container)) {
                            #expect(action.action.text.hasPrefix("#!/bin/"), "\(action.position)")
                        }
                    }
                }
            }
        }
    }

    @Test("name no archive, and none is missing here")
    func allOfThem() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let names = try FileManager.default.contentsOfDirectory(atPath: "/\(root)/builder/images").sorted()
        #expect(names == (Self.rows.map(\.name) + ["debian"]).sorted().map { "\($0).yaml" })
        for name in names {
            let text = try Samples.repositoryFile("builder/images/\(name)")
            #expect(!text.contains("://"), "\(name)")
            // Keys that are only named have to be here.
            for line in text.split(separator: "\n") where line.hasPrefix("  - ") {
                let word = line.dropFirst(4).prefix { $0 != " " }
                guard word.utf8.count == 40, word.allSatisfy(\.isHexDigit) else { continue }
                let key = try Samples.repositoryFile("keys/\(word).asc")
                #expect(key.hasPrefix("-----BEGIN PGP PUBLIC KEY BLOCK-----"), "\(name): \(word)")
            }
        }
    }
}
