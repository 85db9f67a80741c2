// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Testing

@Suite struct SchemaTests {
    @Test func everyKeyArrivesInItsField() throws {
        let resolved = try Samples.load(Samples.complete).definition
        let definition = resolved.definition
        #expect(definition.image.distribution == "demo")
        #expect(definition.image.release == "3.10")
        #expect(definition.image.variant == "tiny")
        #expect(resolved.name == "demo-20260102_0304")
        #expect(resolved.description == "Demo 3.10")
        #expect(resolved.expirySeconds == 10 * 86400)
        #expect(resolved.mappedArchitecture == "aarch64")
        #expect(resolved.architecture == .aarch64)

        let source = definition.source
        #expect(source.downloader == .rpmbootstrap)
        #expect(source.url.text == "https://mirror.invalid/aarch64")
        #expect(source.keys.map(\.text) == ["0x0123", "block 3.10\n"])
        #expect(
            [source.keyserver, source.variant, source.suite, source.sameAs] == [
                "keys.invalid", "minbase", "stable", "12",
            ]
        )
        #expect(source.skipVerification)
        #expect(try resolved.components() == ["main", "extra-3.10"])

        let piece = try #require(definition.targets.lxc.config.first)
        #expect(piece.type == "all")
        #expect(piece.before == 5)
        #expect(piece.after == 1)
        #expect(piece.filter.types == [.container])
        #expect(definition.targets.incus.vmSize == 8 << 30)
        #expect(definition.targets.incus.vmFilesystem == "btrfs")
        #expect(try resolved.createMessage() == "You made Demo 3.10.\n")

        let file = try #require(definition.files.first)
        #expect(file.generator == .dump)
        #expect(
            [file.mode, file.uid, file.gid, file.name, file.source.text] == ["0600", "010", "20", "label", "/src"]
        )
        #expect(file.templated)
        #expect(file.pongo)
        #expect(file.properties == ["default": "no"])
        #expect(file.when == ["create", "rename"])
        #expect(
            file.filter
                == ItemFilter(
                    releases: ["3.10"],
                    architectures: ["aarch64"],
                    variants: ["tiny"],
                    types: [.container, .vm]
                )
        )
        #expect(definition.files.last?.generator == .incusAgent)

        let packages = definition.packages
        #expect(packages.manager == nil)
        #expect(packages.customManager?.install.command == "pm")
        #expect(packages.customManager?.install.flags == ["install"])
        #expect(packages.customManager?.flags == ["--yes"])
        #expect(packages.update)
        #expect(packages.cleanup)
        let set = try #require(packages.sets.first)
        #expect(set.packages == ["a", "1.0"])
        #expect(set.action == .remove)
        #expect(set.early)
        #expect(set.flags == ["--purge"])
        let repository = try #require(try resolved.repositories(.build(.container)).first)
        #expect(repository.url.text == "https://mirror.invalid/3.10")
        #expect(repository.key.text == "k-3.10")
        #expect(repository.type == "zypper")

        let action = try #require(try resolved.actions(.postFiles, .build(.container)).first)
        #expect(action.action.text == "#!/bin/sh\necho 3.10")
        #expect(definition.environment.clearDefaults)
        #expect(resolved.environment(.directory).map(\.key) == ["A"])
        #expect(definition.simplestream.releaseAliases == ["3.10": "old,older"])
        #expect(definition.simplestream.requirements.first?.requirements == ["secureboot": "false"])
    }

    @Test func theDialectOfLXDIsTheSameDefinition() throws {
        let other = Samples.complete.replacing("  incus:", with: "  lxd:")
            .replacing("incus-agent", with: "lxd-agent").replacing("8589934592", with: "8GiB")
        let ours = try Samples.load(Samples.complete).definition.definition
        var theirs = try Samples.load(other).definition.definition
        // `lxd` is a shorter word than `incus`, which moves nothing but this one place.
        theirs.targets.incus.vmFilesystemPosition = ours.targets.incus.vmFilesystemPosition
        #expect(theirs == ours)
    }

    @Test func itemsKnowWhereTheyAre() throws {
        let definition = try Samples.load(Samples.complete).definition.definition
        func place(_ needle: String) -> String { Samples.place(of: needle, in: Samples.complete) }
        #expect("\(try #require(definition.files.last).position)" == place("generator: incus-agent"))
        #expect("\(try #require(definition.actions.first).position)" == place("trigger: post-files"))
        #expect("\(try #require(definition.actions.first).action.position)" == place("#!/bin/sh"))
        #expect("\(definition.source.url.position)" == place("https://mirror"))
        #expect("\(definition.source.keys[1].position)" == place("block {{"))
        #expect("\(try #require(definition.packages.sets.first).position)" == place("packages: [a, 1.0]"))
        #expect("\(definition.image.position)" == place("distribution: demo"))
    }

    @Test func defaultsFillWhatIsMissing() throws {
        let resolved = try Samples.load(Samples.minimal, ["image.release=trixie"]).definition
        #expect(resolved.architecture == .x86_64)
        #expect(resolved.definition.image.variant == "default")
        #expect(resolved.expirySeconds == 30 * 86400)
        #expect(resolved.serial == "20260102_03:04")
        #expect(resolved.name == "debian-trixie-x86_64-default-20260102_03:04")
        #expect(resolved.description == "Debian trixie x86_64 (20260102_03:04)")
        #expect(resolved.definition.targets.incus.vmSize == 4_294_967_296)
        #expect(resolved.definition.targets.incus.vmFilesystem == "ext4")
        #expect(try resolved.imageName().path == "debian/trixie/amd64/default")
        let cloud = try Samples.load(Samples.minimal, ["image.release=trixie", "image.variant=cloud"]).definition
        #expect(cloud.description == "Debian trixie x86_64 (cloud) (20260102_03:04)")
    }

    @Test func nullsAreAsGoodAsAbsent() throws {
        let text = """
            image: {distribution: debian, release: ~, variant: null, expiry: }
            source: {downloader: debootstrap, url: , keys: }
            packages: {manager: apt, update: ~, sets: null}
            targets:
            files:
            actions: ~
            """
        let definition = try Samples.load(text).definition.definition
        #expect(definition.image.release.isEmpty)
        #expect(definition.image.variant == "default")
        #expect(definition.files.isEmpty)
    }

    @Test(arguments: ["y", "Yes", "TRUE", "on", "n", "No", "false", "OFF"]) func booleansFollowYAML11(
        _ word: String
    ) throws {
        let definition = try Samples.load(Samples.minimal + "  update: \(word)\n").definition.definition
        #expect(definition.packages.update == ["y", "Yes", "TRUE", "on"].contains(word))
    }

    @Test func namesThatCannotBePublishedAreRefusedOnlyWhenAsked() throws {
        let resolved = try Samples.load(Samples.minimal).definition
        #expect(throws: RootcellarError.self) { try resolved.imageName() }
        let stream = try Samples.load(Samples.minimal, ["image.release=9-Stream"]).definition
        #expect(try stream.imageName().path == "debian/9-stream/amd64/default")
        let serial = try Samples.load(Samples.complete).definition
        #expect("\(try serial.publishedSerial())" == "20260102_03:04")
    }
}
