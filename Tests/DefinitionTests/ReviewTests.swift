// SPDX-License-Identifier: Apache-2.0

import Definition
import Testing

@Suite struct ReviewTests {
    static let findings: [(text: String, warning: String)] = [
        (
            "files:\n- {generator: cloud-init, name: userdata}\n",
            "8:3: cloud-init has no file 'userdata'; did you mean 'user-data'?"
        ),
        ("files:\n- {generator: dump}\n", "8:3: generator 'dump' without a path"),
        ("files:\n- {generator: remove, path: ''}\n", "8:3: generator 'remove' without a path"),
        ("files:\n- {generator: copy, path: /x}\n", "8:3: generator 'copy' without a source"),
        ("files:\n- {generator: fstab}\n", "8:3: generator 'fstab' works for virtual machines only; add types: [vm]"),
        (
            "files:\n- {generator: template, path: /x, template: {when: [creat]}}\n",
            "8:3: template.when has no 'creat'; did you mean 'create'?"
        ),
        ("files:\n- {generator: dump, path: /x, mode: 0888}\n", "8:3: mode '0888' is not one to four octal digits"),
        ("files:\n- {generator: dump, path: /x, uid: root}\n", "8:3: uid 'root' is not a number"),
        (
            "files:\n- generator: dump\n  path: /x\n  pongo: true\n  content: |\n    a\n    b {% include x %}\n",
            "13:9: in the template: tag 'include' is not supported, which fails as soon as it is used"
        ),
        (
            "actions:\n- {trigger: post-files, action: echo}\n",
            "8:3: the script does not begin with '#!', it cannot run"
        ),
        (
            "actions:\n- {trigger: post-files, action: '#!/bin/sh', architectures: [aaarch64]}\n",
            "8:3: no architecture is called 'aaarch64', the filter never matches; did you mean 'aarch64'?"
        ),
        (
            "targets: {incus: {vm: {filesystem: ext3}}}\n",
            "7:36: no virtual machine can have file system 'ext3'; did you mean 'ext4'?"
        ),
        ("  sets:\n  - {packages: [], action: install}\n", "8:5: the set has no packages"),
        ("  repositories:\n  - {url: x}\n", "8:5: the repository has no name"),
        ("environment: {variables: [{value: x}]}\n", "7:27: the variable has no key"),
    ]

    @Test(arguments: findings.indices) func namesWhatIsProbablyNotMeant(_ index: Int) throws {
        let row = Self.findings[index]
        let warnings = try Samples.load(Samples.minimal + row.text).warnings
        #expect(warnings == ["f.yaml:\(row.warning)"])
    }

    @Test func aGoodDefinitionHasNoWarnings() throws {
        #expect(try Samples.load(Samples.minimal).warnings.isEmpty)
        #expect(try Samples.load(FilterTests.example, ["image.release=trixie"]).warnings.isEmpty)
    }

    @Test func unverifiedSourcesAreNamed() throws {
        let warnings = try Samples.load(Samples.minimal, ["source.skip_verification=true"]).warnings
        #expect(warnings == ["f.yaml:4:3: the source is not verified"])
    }

    @Test func whatABuilderCannotDoIsNamedWithItsPlace() throws {
        let resolved = try Samples.load(FilterTests.example, ["source.downloader=busybox", "packages.manager=apk"])
            .definition
        let all = Set(Generator.allCases)
        #expect(
            resolved.unsupportedFeatures(
                downloaders: [.debootstrap],
                managers: [.apt],
                generators: all,
                modes: [.build(.container)]
            )
                == ["-o source.downloader: downloader 'busybox'", "-o packages.manager: package manager 'apk'"]
        )
        func missing(_ modes: BuildMode...) -> [String] {
            resolved.unsupportedFeatures(
                downloaders: [.busybox],
                managers: [.apk],
                generators: all.subtracting([.fstab, .hosts, .incusAgent]),
                modes: modes
            )
        }
        func place(_ needle: String) -> String { Samples.place(of: needle, in: FilterTests.example) }
        let hosts = "\(place("{generator: hosts")): generator 'hosts'"
        #expect(missing(.build(.container)) == [hosts])
        #expect(
            missing(.build(.container), .build(.vm)) == [
                hosts, "\(place("{generator: fstab")): generator 'fstab'",
                "\(place("{generator: incus-agent")): generator 'incus-agent'",
            ]
        )
        let custom = try Samples.load(Samples.complete).definition
        #expect(
            custom.unsupportedFeatures(
                downloaders: [.rpmbootstrap],
                managers: [],
                generators: all,
                modes: [.directory]
            )
                == ["\(Samples.place(of: "clean: {cmd", in: Samples.complete)): packages.custom_manager"]
        )
        #expect(
            custom.unsupportedFeatures(
                downloaders: [.rpmbootstrap],
                managers: [],
                generators: all,
                customManagers: true,
                modes: [.directory]
            )
            .isEmpty
        )
    }
}
