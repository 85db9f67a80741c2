// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Testing

/// What `builder/images/debian.yaml` plans for each of its images.
@Suite struct DebianImageTests {
    static let images: [ImagePlan] = ["bullseye", "bookworm", "trixie"].flatMap { release in
        ["amd64", "arm64", "i386"].flatMap { architecture in
            ["default", "cloud"].map { ImagePlan(release: release, architecture: architecture, variant: $0) }
        }
    }

    struct ImagePlan: Sendable, CustomTestStringConvertible {
        let release: String
        let architecture: String
        let variant: String
        var testDescription: String { "\(release)/\(architecture)/\(variant)" }
    }

    private static func load(_ image: ImagePlan) throws -> (definition: ResolvedDefinition, warnings: [String]) {
        try DefinitionFile.load(
            text: try Samples.repositoryFile("builder/images/debian.yaml"),
            path: "debian.yaml",
            overrides: [
                "image.release=\(image.release)", "image.architecture=\(image.architecture)",
                "image.variant=\(image.variant)",
            ],
            hostArchitecture: "x86_64",
            now: Samples.now
        )
    }

    @Test(arguments: images) func plansTheImage(_ image: ImagePlan) throws {
        let (resolved, warnings) = try Self.load(image)
        let mode = BuildMode.build(.container)
        let cloud = image.variant == "cloud"
        let resolver = image.release != "bullseye"
        #expect(warnings.isEmpty)
        #expect(try resolved.imageName().path == "debian/\(image.release)/\(image.architecture)/\(image.variant)")
        #expect(resolved.mappedArchitecture == image.architecture)
        #expect(
            resolved.description
                == "Debian \(image.release) \(image.architecture)\(cloud ? " (cloud)" : "") (20260102_03:04)"
        )
        #expect(resolved.definition.source.downloader == .debootstrap)
        #expect(resolved.definition.source.variant == "minbase")
        #expect(resolved.definition.packages.manager == .apt)
        #expect(resolved.definition.packages.update)
        #expect(resolved.definition.packages.cleanup)

        let early = resolved.earlySets().flatMap(\.packages)
        #expect(
            Set(["systemd", "systemd-sysv", "dbus", "iproute2", "iputils-ping", "ca-certificates"]).isSubset(of: early)
        )
        #expect(early.contains("systemd-resolved") == resolver)
        #expect(early.count == (resolver ? 14 : 13))
        #expect(resolved.packageSets(mode).map(\.packages) == (cloud ? [["cloud-init"]] : []))
        #expect(try resolved.repositories(mode).isEmpty)

        #expect(try resolved.actions(.postUnpack, mode).isEmpty)
        #expect(try resolved.actions(.postUpdate, mode).isEmpty)
        #expect(try resolved.actions(.postPackages, mode).count == 1)
        #expect(try resolved.actions(.postFiles, mode).count == 1)
        for trigger in ActionTrigger.allCases {
            for action in try resolved.actions(trigger, mode) {
                #expect(action.action.text.hasPrefix("#!/bin/sh\nset -eu\n"))
            }
        }

        let files = try resolved.files(mode)
        #expect(files.filter { $0.generator == .cloudInit }.count == (cloud ? 4 : 0))
        #expect(files.contains { $0.path.text == "/etc/cloud/cloud.cfg.d/90-network.cfg" } == (cloud && !resolver))
        #expect(files.count == 8 + (cloud ? 5 : 0) + (cloud && !resolver ? 1 : 0))
        #expect(files.contains { $0.path.text == "/etc/systemd/network/50-eth0.network" })

        let personality = image.architecture == "i386" ? "linux32" : "linux64"
        let include = "lxc.include = LXC_TEMPLATE_CONFIG"
        #expect(
            try resolved.lxcConfig(mode) == [
                "config": "\(include)/common.conf\nlxc.arch = \(personality)\n",
                "config-user": "\(include)/common.conf\n\(include)/userns.conf\nlxc.arch = \(personality)\n",
            ]
        )
        #expect(try resolved.createMessage().hasPrefix("You just created a container of Debian \(image.release)"))
        #expect(
            resolved.unsupportedFeatures(
                downloaders: [.debootstrap],
                managers: [.apt],
                generators: [.cloudInit, .dump, .hostname, .hosts, .remove],
                modes: [mode]
            ).isEmpty
        )
    }

    @Test func namesNoArchive() throws {
        let text = try Samples.repositoryFile("builder/images/debian.yaml")
        #expect(!text.contains("://"))
        for word in text.split(whereSeparator: { $0.isWhitespace || $0 == "\"" || $0 == "'" }) {
            #expect(word.firstRange(of: /\.(org|net|com|io|dev)\b/) == nil, "\(word)")
        }
        let resolved = try Self.load(Self.images[0]).definition
        #expect(resolved.definition.source.url.isEmpty)
        #expect(resolved.definition.packages.repositories.isEmpty)
    }
}
