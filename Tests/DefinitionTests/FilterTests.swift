// SPDX-License-Identifier: Apache-2.0

import Definition
import Testing

@Suite struct FilterTests {
    /// For every place and mode: which of the four kinds of items (without types, container, vm, both) apply.
    static let table: [(mode: BuildMode, place: ItemPlace, applies: [Bool])] = [
        (.directory, .steps, [true, false, false, false]),
        (.directory, .files, [true, false, false, false]),
        (.build(.container), .steps, [true, true, false, true]),
        (.build(.container), .files, [true, true, false, true]),
        (.build(.vm), .steps, [true, false, true, true]),
        (.build(.vm), .files, [true, false, true, true]),
        (.pack(.container), .steps, [false, true, false, true]),
        (.pack(.container), .files, [true, true, false, true]),
        (.pack(.vm), .steps, [false, false, true, true]),
        (.pack(.vm), .files, [true, false, true, true]),
        (.build(.container), .lxcConfig, [true, true, false, true]),
        (.pack(.container), .lxcConfig, [true, true, false, true]),
        (.directory, .environment, [true, true, false, true]),
        (.pack(.vm), .environment, [true, false, true, true]),
        (.build(.vm), .early, [true, false, false, false]),
        (.build(.container), .early, [true, false, false, false]),
        (.directory, .early, [true, false, false, false]),
    ]

    @Test(arguments: table.indices) func typesFollowThePlace(_ index: Int) {
        let row = Self.table[index]
        let kinds: [[TargetType]] = [[], [.container], [.vm], [.container, .vm]]
        let context = FilterContext(
            release: "r",
            architecture: "a",
            variant: "v",
            target: row.mode.target,
            accepted: row.mode.accepted(in: row.place)
        )
        #expect(kinds.map { ItemFilter(types: $0).applies(to: context) } == row.applies)
    }

    static let names: [(filter: ItemFilter, applies: Bool)] = [
        (ItemFilter(), true),
        (ItemFilter(releases: ["trixie"]), true),
        (ItemFilter(releases: ["bookworm", "trixie"]), true),
        (ItemFilter(releases: ["bookworm"]), false),
        (ItemFilter(releases: ["Trixie"]), false),
        (ItemFilter(releases: ["trix*"]), false),
        (ItemFilter(releases: ["!bookworm"]), false),
        (ItemFilter(architectures: ["amd64"]), true),
        (ItemFilter(architectures: ["x86_64"]), false),
        (ItemFilter(variants: ["default"]), true),
        (ItemFilter(variants: ["minbase"]), false),
        (ItemFilter(releases: ["trixie"], architectures: ["amd64"], variants: ["default"]), true),
        (ItemFilter(releases: ["trixie"], architectures: ["arm64"], variants: ["default"]), false),
    ]

    @Test(arguments: names.indices) func namesMatchExactly(_ index: Int) {
        let context = FilterContext(
            release: "trixie",
            architecture: "amd64",
            variant: "default",
            target: .container,
            accepted: BuildMode.build(.container).accepted(in: .steps)
        )
        #expect(Self.names[index].filter.applies(to: context) == Self.names[index].applies)
    }

    /// A definition as large as a real one, in which every kind of filter occurs.
    static let example: String = {
        func set(_ count: Int, _ name: String, _ filters: String = "") -> String {
            let packages = (1...count).map { "\(name)\($0)" }.joined(separator: ", ")
            return "  - {packages: [\(packages)], action: install\(filters)}\n"
        }
        var text = Samples.minimal + "  update: true\n  sets:\n"
        text += set(10, "base") + set(1, "early", ", early: true") + set(3, "cloud", ", variants: [cloud]")
        text += set(1, "boot", ", types: [vm]")
        text += set(3, "new", ", releases: [trixie, forky]") + set(2, "old", ", releases: [bullseye]")
        text += set(2, "x86", ", architectures: [amd64]") + set(2, "arm", ", architectures: [arm64]")
        text += set(1, "kernel", ", types: [vm], architectures: [amd64]")
        text += set(3, "plain", ", variants: [default]") + set(1, "shim", ", types: [vm], variants: [default]")
        text += set(1, "grow", ", types: [vm]")
        text += "files:\n- {generator: hostname, path: /etc/hostname}\n- {generator: hosts, path: /etc/hosts}\n"
        for index in 1...4 { text += "- {generator: dump, path: /etc/\(index)}\n" }
        text += "- {generator: dump, path: /etc/c, types: [container]}\n"
        text += "- {generator: cloud-init, name: user-data, variants: [cloud]}\n"
        for name in ["fstab", "incus-agent", "dump", "dump"] {
            text += "- {generator: \(name), path: /v, types: [vm]}\n"
        }
        text += "actions:\n- {trigger: post-unpack, action: '#!/bin/sh', releases: [bullseye]}\n"
        for _ in 1...4 { text += "- {trigger: post-packages, action: '#!/bin/sh'}\n" }
        text += "- {trigger: post-files, action: '#!/bin/sh'}\n"
        for _ in 1...2 { text += "- {trigger: post-files, action: '#!/bin/sh', types: [vm]}\n" }
        return text + "mappings: {architecture_map: debian}\n"
    }()

    @Test func oneDefinitionServesDirectoryAndPacks() throws {
        let resolved = try Samples.load(Self.example, ["image.release=trixie"]).definition

        #expect(resolved.earlySets().map(\.packages) == [["early1"]])
        let sets = resolved.packageSets(.directory)
        #expect(sets.count == 1)
        #expect(sets.first?.packages.count == 18)
        #expect(try resolved.actions(.postUnpack, .directory).isEmpty)
        #expect(try resolved.actions(.postPackages, .directory).count == 4)
        #expect(try resolved.files(.directory).count == 6)

        let machine = resolved.applicable(resolved.definition.packages.sets, in: .steps, mode: .pack(.vm))
        #expect(machine.map(\.packages) == [["boot1"], ["kernel1"], ["shim1"], ["grow1"]])
        #expect(resolved.packageSets(.pack(.vm)).map(\.packages) == [["boot1", "kernel1", "shim1", "grow1"]])
        #expect(try resolved.files(.pack(.vm)).count == 10)
        #expect(try resolved.actions(.postFiles, .pack(.vm)).count == 3)
        #expect(try resolved.actions(.postPackages, .pack(.vm)).isEmpty)

        #expect(resolved.packageSets(.pack(.container)).isEmpty)
        #expect(try resolved.files(.pack(.container)).count == 7)
        #expect(try resolved.actions(.postFiles, .pack(.container)).count == 1)
    }

    @Test func onlyNeighboursWithEqualActionAndFlagsAreOneCall() throws {
        let text =
            Samples.minimal + """
                  sets:
                  - {packages: [a], action: install}
                  - {packages: [b], action: install}
                  - {packages: [c], action: install, flags: [-t]}
                  - {packages: [d], action: remove}
                  - {packages: [], action: install}
                  - {packages: [e], action: install}

                """
        let sets = try Samples.load(text).definition.packageSets(.directory)
        #expect(sets.map(\.packages) == [["a", "b"], ["c"], ["d"], ["e"]])
        #expect(sets.map(\.action) == [.install, .install, .remove, .install])
    }

    @Test func earlySetsAreOrdinaryOnesForOtherDownloaders() throws {
        let text = Samples.minimal + "  sets:\n  - {packages: [a], action: install, early: true}\n"
        let (resolved, warnings) = try Samples.load(text, ["source.downloader=alpinelinux-http"])
        #expect(resolved.earlySets().isEmpty)
        #expect(resolved.packageSets(.directory).map(\.packages) == [["a"]])
        #expect(warnings == ["f.yaml:8:5: early means nothing with downloader 'alpinelinux-http'"])
    }
}
