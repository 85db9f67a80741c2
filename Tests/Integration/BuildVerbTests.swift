// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// A definition with every key, filter and generator through both ways that users of distrobuilder know: one run, and a
/// root directory that is packed several times.
@Suite("The verbs of distrobuilder", .scratchDirectory)
struct BuildVerbTests {
    /// Scripts leave their names in `/steps`; each step has an item of every kind of `types`.
    private static let body: String = {
        var actions = ""
        for trigger in ["post-unpack", "post-update", "post-packages", "post-files"] {
            for types in ["", "container", "vm", "container, vm"] {
                actions += """
                    - trigger: \(trigger)
                      action: |-
                        #!/bin/sh
                        echo '\(trigger) [\(types)]' >> /steps
                    \(types.isEmpty ? "" : "  types: [\(types)]\n")
                    """
            }
        }
        return """
            targets:
              lxc:
                create_message: "{{ image.description }} is there"
                config:
                - type: all
                  before: 5
                  content: lxc.include = old
                - type: user
                  before: 5
                  content: lxc.include = old-user
                - type: all
                  after: 4
                  content: lxc.include = LXC_TEMPLATE_CONFIG/common.conf
                - type: user
                  after: 4
                  content: lxc.include = LXC_TEMPLATE_CONFIG/userns.conf
                - type: all
                  content: lxc.arch = {{ image.architecture_personality }}
            files:
            - generator: dump
              path: /etc/dumped
              content: "{{ image.release }}"
              mode: 0640
              uid: 33
              gid: 33
            - generator: dump
              path: /etc/rendered
              content: "{{ image.release }}"
              pongo: true
              templated: true
            - generator: dump
              path: /etc/typed
              content: typed
              types: [container]
            - generator: copy
              source: COPIED
              path: /etc/copied
            - generator: remove
              path: /etc/unwanted
            - generator: hostname
              path: /etc/hostname
            - generator: hosts
              path: /etc/hosts
            - generator: template
              name: run
              path: /etc/run
              content: "{{ container.name }} {% if config_get(\\"a\\", \\"b\\") %}x{% endif %}"
              template:
                when: [create, rename]
                properties:
                  key: value
            - generator: cloud-init
              name: user-data
            - generator: fstab
              types: [vm]
            - generator: incus-agent
              types: [vm]
            packages:
              custom_manager:
                refresh:
                  cmd: manager
                  flags: [refresh]
                update:
                  cmd: manager
                  flags: [update]
                install:
                  cmd: manager
                  flags: [install]
                remove:
                  cmd: manager
                  flags: [remove]
                clean:
                  cmd: manager
                  flags: []
                flags: [--common]
              update: true
              cleanup: true
              sets:
              - packages: [one]
                action: install
              - packages: [two]
                action: install
              - packages: [three]
                action: install
                flags: [--flag]
              - packages: [four]
                action: remove
              - packages: [never]
                action: install
                releases: [two]
              - packages: [five]
                action: install
                types: [container]
              - packages: [six]
                action: install
                types: [vm]
            actions:
            \(actions)
            mappings:
              architecture_map: debian
            environment:
              variables:
              - key: OWN
                value: value

            """
    }()

    private struct Setup {
        var definition: FilePath
        var record: FilePath
    }

    private func setup() async throws -> Setup {
        let copied = ScratchDirectory.path.appending("copied-file")
        try write("copied\n".utf8, to: copied)
        let system = try await SmallSystem.make(standIns: ["manager"], more: "echo x >etc/unwanted")
        let body = Self.body.replacing("COPIED", with: copied.string)
        return Setup(definition: try system.definition(body), record: system.directory)
    }

    private static let updated = [
        "manager|--common|refresh", "manager|--common|update",
    ]
    private static let allSets = [
        "manager|--common|install|one|two", "manager|--common|install|--flag|three", "manager|--common|remove|four",
    ]

    private func unpack(_ image: FilePath, _ tar: String) async throws -> FilePath {
        let root = ScratchDirectory.path.appending("root-\(UInt32.random(in: 0 ... .max))")
        try makeDirectory(root)
        try await Programs.shell("tar -C \"$1\" -xf \"$2\"", root.string, image.appending(tar).string)
        return root
    }

    private func steps(_ root: FilePath) throws -> [String] {
        try text(root.appending("steps")).split(separator: "\n").map(String.init)
    }

    private func expectedSteps(_ types: [String], without: Set<String> = []) -> [String] {
        ["post-unpack", "post-update", "post-packages", "post-files"].filter { !without.contains($0) }
            .flatMap { trigger in types.map { "\(trigger) [\($0)]" } }
    }

    @Test("build-lxc: everything once, with the levels and members that LXC expects")
    func oneShot() async throws {
        let setup = try await setup()
        let output = ScratchDirectory.path.appending("out")
        let result = try await Programs.rootcellar("build-lxc", setup.definition.string, output.string).succeeded()
        #expect(result.output == "\(output)/meta.tar.xz\n\(output)/rootfs.tar.xz\n")
        #expect(try await Programs.shell("ls -A \"$1\"", output.string) == "meta.tar.xz\nrootfs.tar.xz\n")
        let root = try await unpack(output, "rootfs.tar.xz")
        #expect(try SmallSystem.calls(in: root) == Self.updated + Self.allSets + ["manager|--common|install|five"])
        #expect(try steps(root) == expectedSteps(["", "container", "container, vm"]))
        #expect(try text(root.appending("etc/hostname")) == "LXC_NAME\n")
        #expect(try text(root.appending("etc/hosts")) == "127.0.0.1 localhost\n127.0.1.1 LXC_NAME\n")
        #expect(try text(root.appending("etc/dumped")) == "{{ image.release }}\n")
        #expect(try text(root.appending("etc/rendered")) == "one\n")
        #expect(try text(root.appending("etc/copied")) == "copied\n")
        #expect(!exists(root.appending("etc/unwanted")))
        #expect(exists(root.appending("etc/cloud/cloud-init.disabled")))
        #expect(exists(root.appending("etc/systemd/system-generators/lxc")))
        #expect(try await Programs.shell("stat -c '%a %u %g' \"$1\"", root.string + "/etc/dumped") == "640 33 33\n")
        let names = try await Programs.shell("tar -tf \"$1\"", output.string + "/meta.tar.xz")
        #expect(
            names.split(separator: "\n") == [
                "create-message", "expiry", "excludes-user", "config", "config-user", "config-user.1", "config-user.2",
                "config-user.3", "config-user.4", "config.1", "config.2", "config.3", "config.4", "templates",
            ]
        )
        func member(_ name: String) async throws -> String {
            try await Programs.shell("tar -xOf \"$1\" \"$2\"", output.string + "/meta.tar.xz", name)
        }
        #expect(try await member("create-message") == "Small one amd64 (20260102_0304) is there\n")
        // The minute of the serial and thirty days.
        #expect(try await member("expiry") == "1769915040\n")
        #expect(
            try await member("config-user") == """
                lxc.include = LXC_TEMPLATE_CONFIG/common.conf
                lxc.include = LXC_TEMPLATE_CONFIG/userns.conf
                lxc.arch = linux64

                """
        )
        #expect(try await member("config.3") == "lxc.include = old\nlxc.arch = linux64\n")
        #expect(try await member("templates") == "/etc/rendered\n/etc/hostname\n/etc/hosts\n")
    }

    @Test(
        "build-dir, then pack-lxc and pack-incus of the same directory: what has types waits, what has none is not done twice"
    )
    func twoPhases() async throws {
        let setup = try await setup()
        let tree = ScratchDirectory.path.appending("tree")
        try await Programs.rootcellar("build-dir", setup.definition.string, tree.string).succeeded()
        #expect(try SmallSystem.calls(in: tree) == Self.updated + Self.allSets)
        #expect(try steps(tree) == expectedSteps([""], without: ["post-files"]))
        #expect(try text(tree.appending("etc/hostname")) == "small\n")
        #expect(!exists(tree.appending("etc/typed")))
        #expect(!exists(tree.appending("etc/cloud")))
        #expect(!exists(tree.appending("etc/systemd/system-generators")))
        #expect(!exists(tree.appending("usr/sbin/policy-rc.d")))
        let before = try await Programs.shell("cd \"$1\" && find . -printf '%p %s %m %T@ %l\\n' | sort", tree.string)

        let output = ScratchDirectory.path.appending("out")
        try await Programs.rootcellar("pack-lxc", setup.definition.string, tree.string, output.string).succeeded()
        let lxc = try await unpack(output, "rootfs.tar.xz")
        // Refresh and upgrade run in every pack; of the sets and early scripts only those with types.
        let packed = Self.updated + Self.allSets + Self.updated + ["manager|--common|install|five"]
        #expect(try SmallSystem.calls(in: lxc) == packed)
        let typed = ["container", "container, vm"]
        let expected =
            expectedSteps([""], without: ["post-files"])
            + expectedSteps(typed, without: ["post-files"])
            + ["post-files []"] + typed.map { "post-files [\($0)]" }
        #expect(try steps(lxc) == expected)
        #expect(try text(lxc.appending("etc/hostname")) == "LXC_NAME\n")
        #expect(try text(lxc.appending("etc/typed")) == "typed\n")

        try await Programs.rootcellar(
            "pack-incus",
            setup.definition.string,
            tree.string,
            output.string,
            "--compression",
            "zstd-5"
        ).succeeded()
        let names = try await Programs.shell("tar -tf \"$1\"", output.string + "/incus.tar.zst")
        #expect(
            names.split(separator: "\n").sorted() == [
                "metadata.yaml", "templates/", "templates/cloud-init-user-data.tpl", "templates/hostname.tpl",
                "templates/hosts.tpl", "templates/run.tpl",
            ]
        )
        let yaml = try await Programs.shell("tar -xOf \"$1\" metadata.yaml", output.string + "/incus.tar.zst")
        #expect(yaml.contains("  \"name\": \"small-one-amd64-default-20260102_0304\"\n"))
        #expect(yaml.contains("  \"serial\": \"20260102_0304\"\n"))
        let run = try await Programs.shell("tar -xOf \"$1\" templates/run.tpl", output.string + "/incus.tar.zst")
        #expect(run == "{{ container.name }} {% if config_get(\"a\", \"b\") %}x{% endif %}\n")
        let squashed = ScratchDirectory.path.appending("squashed")
        try await Programs.shell(
            "unsquashfs -quiet -no-progress -dest \"$2\" \"$1\" >/dev/null",
            output.string + "/rootfs.squashfs",
            squashed.string
        )
        #expect(try steps(squashed) == expected)
        // Incus fills templates in when an instance is made; the files themselves stay.
        #expect(try text(squashed.appending("etc/hostname")) == "small\n")
        #expect(!exists(squashed.appending("etc/cloud/cloud-init.disabled")))
        let after = try await Programs.shell("cd \"$1\" && find . -printf '%p %s %m %T@ %l\\n' | sort", tree.string)
        #expect(before == after, "a pack changed the root directory")
    }

    @Test("a unified tarball moves every name and no link's target")
    func unified() async throws {
        let system = try await SmallSystem.make(more: "ln -s ./b etc/one; ln -s a/b etc/two; ln bin/busybox bin/hard")
        let definition = try system.definition("packages:\n  manager: apk\n")
        let output = ScratchDirectory.path.appending("out")
        let result = try await Programs.rootcellar(
            "build-lxd",
            definition.string,
            output.string,
            "--type=unified",
            "--compression=gzip-9"
        ).succeeded()
        let tar = "\(output)/small-one-amd64-default-20260102_0304.tar.gz"
        #expect(result.output == tar + "\n")
        let root = try await unpack(output, "small-one-amd64-default-20260102_0304.tar.gz")
        #expect(exists(root.appending("metadata.yaml")))
        let links = try await Programs.shell(
            "cd \"$1/rootfs\" && readlink etc/one etc/two && stat -c %h bin/hard",
            root.string
        )
        #expect(links == "./b\na/b\n2\n")
        let names = try await Programs.shell("tar -tf \"$1\" | grep -v '^rootfs/'", tar)
        #expect(names == "metadata.yaml\n")
    }

    @Test("post-files run in build-dir only where that is asked for; a definition may come by standard input")
    func postFiles() async throws {
        let setup = try await setup()
        let tree = ScratchDirectory.path.appending("tree")
        let program = Programs.directory.appending("rootcellar").string
        try await runProgram(
            program,
            ["build-dir", "-", tree.string, "--with-post-files", "-o", "image.serial=20260102_0304"],
            input: try text(setup.definition)
        ).succeeded()
        #expect(try steps(tree) == expectedSteps([""]))
    }

    @Test(
        "every compression gives what it is called",
        arguments: [
            ("bzip2-9", "rootfs.tar.bz2", "bzip2"), ("gzip", "rootfs.tar.gz", "gzip"),
            ("lzma-1", "rootfs.tar.lzma", "xz"),
            ("lzo", "rootfs.tar.lzo", "lzop"), ("lzip-0", "rootfs.tar.lz", "lzip"),
            ("zstd-1", "rootfs.tar.zst", "zstd"),
            ("xz-0", "rootfs.tar.xz", "xz"), ("none", "rootfs.tar", "cat"),
        ]
    )
    func compressions(_ word: String, _ name: String, _ program: String) async throws {
        let system = try await SmallSystem.make()
        let definition = try system.definition("packages:\n  manager: apk\n")
        let output = ScratchDirectory.path.appending("out")
        try await Programs.rootcellar("build-lxc", definition.string, output.string, "--compression", word).succeeded()
        let list = try await Programs.shell(
            "\(program) \(program == "cat" ? "" : "-dc") <\"$1\" | tar -t",
            output.appending(name).string
        )
        #expect(list.contains("./etc/hostname\n"))
        #expect(exists(output.appending("meta.tar.xz")))
    }

    @Test(
        "what cannot be is refused before anything is made",
        arguments: [
            (["build-lxc", "--compression=lz77"], 2), (["build-lxc", "--compression=xz-10"], 2),
            (["build-incus", "--compression=xz-9"], 2), (["build-incus", "--compression=bzip2"], 2),
            (["build-incus", "--vm"], 2), (["build-incus", "--type=both"], 2),
            (["build-lxc", "-o", "image.architecture=pdp11"], 2),
            (["build-lxc", "-o", "files.0.generator=incus-agent"], 30),
        ]
    )
    func refusals(_ words: [String], _ status: Int) async throws {
        let system = try await SmallSystem.make()
        let definition = try system.definition(
            "packages:\n  manager: apk\nfiles:\n- generator: dump\n  path: /a\n  content: b\n"
        )
        let output = ScratchDirectory.path.appending("out")
        try makeDirectory(output)
        let result = try await runProgram(
            Programs.directory.appending("rootcellar").string,
            [words[0], definition.string, output.string] + words.dropFirst()
        )
        #expect(result.status == status, "\(result.errors)")
        #expect(try await Programs.shell("ls -A \"$1\"", output.string) == "")
    }

    @Test("a run that takes too long ends, is told so, and leaves nothing")
    func timeLimit() async throws {
        let system = try await SmallSystem.make()
        let definition = try system.definition(
            """
            packages:
              manager: apk
            actions:
            - trigger: post-unpack
              action: |-
                #!/bin/sh
                sleep 1000 & sleep 1000
            """
        )
        let tree = ScratchDirectory.path.appending("tree")
        let result = try await Programs.rootcellar("build-dir", definition.string, tree.string, "--timeout", "1")
        #expect(result.status == 32)
        #expect(result.errors.contains("the time limit of 1 s has passed"), "\(result.errors)")
        #expect(!exists(tree))
        let left = try await Programs.shell("ls -A \"$1\"", ScratchDirectory.path.string)
        #expect(left.split(separator: "\n").sorted() == ["definition.yaml", "system", "system.tar.gz", "tree.log"])
    }
}
