// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Testing

/// One definition that must be refused, and how.
struct Refusal: Sendable, CustomTestStringConvertible {
    let name: String
    let text: String
    let place: String
    let reason: String
    var hint: String?

    var testDescription: String { name }
}

@Suite struct StrictnessTests {
    /// `minimal` with one text exchanged for another.
    private static func changed(_ old: String, _ new: String) -> String { Samples.minimal.replacing(old, with: new) }

    static let refusals: [Refusal] = [
        Refusal(
            name: "unknown section",
            text: Samples.minimal + "file: []\n",
            place: "7:1",
            reason: "unknown key 'file'",
            hint: "did you mean 'files'?"
        ),
        Refusal(
            name: "unknown key",
            text: changed("distribution: debian", "distribution: debian\n  relaese: x"),
            place: "3:3",
            reason: "unknown key 'relaese' in 'image'",
            hint: "did you mean 'release'?"
        ),
        Refusal(
            name: "unknown key in a list",
            text: Samples.minimal + "actions:\n- trigger: post-files\n  scripts: x\n",
            place: "9:3",
            reason: "unknown key 'scripts' in 'actions.0'"
        ),
        Refusal(
            name: "key of an older format",
            text: Samples.minimal + "files:\n- generator: dump\n  features: [x]\n",
            place: "9:3",
            reason: "unknown key 'features'"
        ),
        Refusal(
            name: "merge key",
            text: changed("  distribution", "  <<: {}\n  distribution"),
            place: "2:3",
            reason: "'<<'"
        ),
        Refusal(
            name: "duplicate key",
            text: changed("  manager: apt", "  manager: apt\n  manager: apk"),
            place: "7:3",
            reason: "key 'manager' is there twice"
        ),
        Refusal(
            name: "duplicate section",
            text: Samples.minimal + "image: {}\n",
            place: "7:1",
            reason: "key 'image' is there twice"
        ),
        Refusal(
            name: "duplicate key in a list",
            text: Samples.minimal + "files:\n- path: a\n  content: |\n    path: b\n  path: c\n",
            place: "11:3",
            reason: "key 'path' is there twice"
        ),
        Refusal(
            name: "both dialects",
            text: Samples.minimal + "targets:\n  incus: {vm: {}}\n  lxd: {vm: {}}\n",
            place: "9:3",
            reason: "same section"
        ),
        Refusal(
            name: "list for a text",
            text: changed("distribution: debian", "distribution: [debian]"),
            place: "2:17",
            reason: "'image.distribution' must be a single value, this is a list"
        ),
        Refusal(
            name: "text for a list",
            text: Samples.minimal + "  sets: bash\n",
            place: "7:9",
            reason: "'packages.sets' must be a list, this is 'bash'"
        ),
        Refusal(
            name: "text for a section",
            text: changed("image:\n  distribution: debian", "image: debian"),
            place: "1:8",
            reason: "'image' must be a mapping, this is a single value"
        ),
        Refusal(
            name: "list for the whole",
            text: "- a\n",
            place: "1:1",
            reason: "a definition must be a mapping"
        ),
        Refusal(
            name: "word for a boolean",
            text: Samples.minimal + "  update: maybe\n",
            place: "7:11",
            reason: "'packages.update' must be true or false, this is 'maybe'"
        ),
        Refusal(
            name: "quoted boolean",
            text: Samples.minimal + "  update: \"true\"\n",
            place: "7:11",
            reason: "must be true or false"
        ),
        Refusal(
            name: "word for a number",
            text: Samples.minimal + "targets:\n  lxc:\n    config:\n    - before: five\n",
            place: "10:15",
            reason: "'targets.lxc.config.0.before' must be a whole number, this is 'five'"
        ),
        Refusal(
            name: "negative number",
            text: Samples.minimal + "targets:\n  lxc:\n    config:\n    - after: -1\n",
            place: "10:14",
            reason: "must be a whole number"
        ),
        Refusal(
            name: "size",
            text: Samples.minimal + "targets:\n  incus:\n    vm:\n      size: 4 gigs\n",
            place: "10:13",
            reason: "'targets.incus.vm.size' must be a size"
        ),
        Refusal(
            name: "size beyond 64 bits",
            text: Samples.minimal + "targets: {lxd: {vm: {size: 99EiB}}}\n",
            place: "7:28",
            reason: "'targets.lxd.vm.size' must be a size"
        ),
        Refusal(
            name: "downloader",
            text: changed("debootstrap", "debotstrap"),
            place: "4:15",
            reason: "'debotstrap' is not a downloader",
            hint: "did you mean 'debootstrap'?"
        ),
        Refusal(
            name: "no downloader",
            text: changed("  downloader: debootstrap", "  url: x"),
            place: "4:3",
            reason: "'source.downloader' is missing"
        ),
        Refusal(
            name: "manager",
            text: changed("manager: apt", "manager: atp"),
            place: "6:12",
            reason: "'atp' is not a package manager",
            hint: "did you mean 'apt'?"
        ),
        Refusal(
            name: "no manager",
            text: changed("manager: apt", "update: true"),
            place: "6:3",
            reason: "'packages.manager' is missing"
        ),
        Refusal(
            name: "two managers",
            text: Samples.minimal
                + "  custom_manager: {clean: {cmd: a}, install: {cmd: a}, remove: {cmd: a}, refresh: {cmd: a}, update: {cmd: a}}\n",
            place: "7:19",
            reason: "both there"
        ),
        Refusal(
            name: "custom manager without a command",
            text: changed("manager: apt", "custom_manager:\n    clean:\n      flags: [x]"),
            place: "8:7",
            reason: "'packages.custom_manager.clean.cmd' is missing"
        ),
        Refusal(
            name: "generator",
            text: Samples.minimal + "files:\n- generator: upstart-tty\n",
            place: "8:14",
            reason: "'upstart-tty' is not a generator"
        ),
        Refusal(
            name: "no generator",
            text: Samples.minimal + "files:\n- path: /x\n",
            place: "8:3",
            reason: "'files.0.generator' is missing"
        ),
        Refusal(
            name: "trigger",
            text: Samples.minimal + "actions:\n- trigger: post-image\n",
            place: "8:12",
            reason: "'post-image' is not a trigger"
        ),
        Refusal(
            name: "set action",
            text: Samples.minimal + "  sets:\n  - action: instal\n",
            place: "8:13",
            reason: "'instal' is not an action of a package set",
            hint: "did you mean 'install'?"
        ),
        Refusal(
            name: "type filter",
            text: Samples.minimal + "files:\n- generator: fstab\n  types:\n  - vms\n",
            place: "10:5",
            reason: "'vms' is not a type of image",
            hint: "did you mean 'vm'?"
        ),
        Refusal(
            name: "architecture map",
            text: Samples.minimal + "mappings:\n  architecture_map: debain\n",
            place: "8:21",
            reason: "'debain' is not an architecture map",
            hint: "did you mean 'debian'?"
        ),
        Refusal(
            name: "architecture map without a table",
            text: Samples.minimal + "mappings: {architecture_map: almalinux}\n",
            place: "7:30",
            reason: "there is no table"
        ),
        Refusal(
            name: "architecture",
            text: changed("distribution: debian", "distribution: debian\n  architecture: amd46"),
            place: "3:17",
            reason: "'amd46' is not an architecture",
            hint: "did you mean 'amd64'?"
        ),
        Refusal(
            name: "blank distribution",
            text: changed("debian", "\"  \""),
            place: "2:3",
            reason: "'image.distribution' is missing"
        ),
        Refusal(
            name: "no image",
            text: "source: {downloader: busybox}\npackages: {manager: apt}\n",
            place: "1:1",
            reason: "'image.distribution' is missing"
        ),
        Refusal(
            name: "two documents",
            text: Samples.minimal + "---\nimage: {}\n",
            place: "7:1",
            reason: "a second document begins here"
        ),
        Refusal(name: "nothing", text: "# nothing\n", place: "1:1", reason: "no definition in it"),
        Refusal(
            name: "anchor",
            text: changed("debian", "&d debian"),
            place: "2:17",
            reason: "anchors and aliases"
        ),
        Refusal(
            name: "alias",
            text: changed("debian", "&d debian\n  release: *d"),
            place: "2:17",
            reason: "anchors and aliases"
        ),
        Refusal(name: "tag", text: changed("debian", "!!binary ZGViaWFu"), place: "2:17", reason: "tag"),
        Refusal(name: "key that is a list", text: "? [a]\n: b\n", place: "1:3", reason: "a key must be a single word"),
        Refusal(name: "tab", text: "image:\n\tdistribution: x\n", place: "2:1", reason: "cannot start any token"),
        Refusal(
            name: "control character",
            text: "image:\n  distribution: a\u{1}b\n",
            place: "2:18",
            reason: "control characters"
        ),
        Refusal(
            name: "template in the source",
            text: changed("debootstrap", "debootstrap\n  url: a{{ image.release|rot13 }}"),
            place: "5:26",
            reason: "filter 'rot13' is not supported"
        ),
    ]

    @Test(arguments: refusals) func isRefusedWhereItIsWrong(_ refusal: Refusal) throws {
        let error = try #require(Samples.refusal(refusal.text))
        #expect(error.errorClass == .definition)
        #expect(error.subject == "f.yaml:\(refusal.place)")
        #expect(error.reason.contains(refusal.reason), "\(error)")
        if let hint = refusal.hint { #expect(error.hint == hint) }
    }

    @Test func nestingIsLimited() throws {
        let deep = String(repeating: "{a: ", count: 40) + String(repeating: "}", count: 40)
        let error = try #require(Samples.refusal(deep))
        #expect(error.reason.contains("levels deep"))
        let deeper = String(repeating: "[", count: 100_000)
        #expect(Samples.refusal(deeper)?.errorClass == .definition)
        let keys = String(repeating: "? ", count: 5_000)
        #expect(Samples.refusal(keys)?.errorClass == .definition)
    }

    @Test func sizeIsLimited() throws {
        let big = Samples.minimal + "# " + String(repeating: "x", count: 1 << 20) + "\n"
        let error = try #require(Samples.refusal(big))
        #expect(error.errorClass == .definition)
        #expect(error.reason.contains("at most 1048576"))
        let justSo = Samples.minimal + "# " + String(repeating: "x", count: (1 << 20) - Samples.minimal.utf8.count - 2)
        #expect(Samples.refusal(justSo) == nil)
    }

    @Test(.timeLimit(.minutes(1))) func anAliasBombIsRefusedAtOnce() throws {
        var bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...40 {
            let items = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            bomb += "a\(level): &a\(level) [\(items)]\n"
        }
        bomb += "? *a40\n: x\n"
        let error = try #require(Samples.refusal(bomb))
        #expect(error.subject == "f.yaml:2:10")
        #expect(error.reason.contains("aliases"))
    }

    @Test func scriptsMayContainWhatLooksLikeAliases() throws {
        let lines = Array(repeating: "    case *x in *foo) rm -f *.log & ;; esac; cc *p &p2 >&2 && true", count: 50)
        let text =
            Samples.minimal + "actions:\n- trigger: post-files\n  action: |\n    #!/bin/sh\n"
            + lines.joined(separator: "\n") + "\n"
        #expect(Samples.refusal(text) == nil)
    }
}
