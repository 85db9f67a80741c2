// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Testing

@Suite struct OverrideTests {
    @Test func valuesMayHoldEqualsSignsAndCommas() throws {
        let resolved = try Samples.load(
            Samples.complete,
            ["source.url=https://h.invalid/?a=b,c=d", "image.release=9=9"]
        ).definition
        #expect(resolved.definition.source.url.text == "https://h.invalid/?a=b,c=d")
        #expect(resolved.definition.image.release == "9=9")
    }

    @Test func everyPlaceCanBeReached() throws {
        let definition = try Samples.load(
            Samples.complete,
            [
                "files.0.path=/x", "files.0.releases.0=9", "source.keys.0=K", "packages.update=false",
                "packages.custom_manager.install.cmd=other", "targets.lxc.config.0.before=3",
                "targets.lxd.vm.size=1GiB", "mappings.architectures.386=x86", "simplestream.release_aliases.3.10=z",
                "environment.variables.0.value=", "image.architecture=386",
            ]
        ).definition.definition
        #expect(definition.files[0].path.text == "/x")
        #expect(definition.files[0].filter.releases == ["9"])
        #expect(definition.source.keys[0].text == "K")
        #expect(!definition.packages.update)
        #expect(definition.packages.customManager?.install.command == "other")
        #expect(definition.targets.lxc.config[0].before == 3)
        #expect(definition.targets.incus.vmSize == 1 << 30)
        #expect(definition.mappings.architectures["386"] == "x86")
        #expect(definition.simplestream.releaseAliases == ["3.10": "z"])
        #expect(definition.environment.variables[0].value.isEmpty)
    }

    @Test func laterOnesWinAndEmptyOnesRestoreDefaults() throws {
        let definition = try Samples.load(
            Samples.complete,
            ["image.variant=a", "image.variant=b", "image.expiry=", "image.name="]
        ).definition
        #expect(definition.definition.image.variant == "b")
        #expect(definition.expirySeconds == 30 * 86400)
        #expect(definition.name == "demo-3.10-aarch64-b-20260102_0304")
    }

    @Test func overridesComeBeforeDerivation() throws {
        let resolved = try Samples.load(
            Samples.minimal,
            ["image.architecture=armhf", "mappings.architecture_map=gentoo"]
        ).definition
        #expect(resolved.mappedArchitecture == "armv7a_hardfp")
        #expect(resolved.architecture == .armv7l)
        #expect(resolved.personality == "linux32")
        // A name from the command line is text, whatever it looks like.
        #expect(try Samples.load(Samples.minimal, ["image.release=null"]).definition.definition.image.release == "null")
    }

    static let refusals: [(option: String, reason: String, hint: String?)] = [
        ("image.relaese=x", "unknown key 'relaese' in 'image'", "did you mean 'release'?"),
        ("iamge.release=x", "unknown key 'iamge'", "did you mean 'image'?"),
        ("image=x", "'image' is a mapping", nil),
        ("image.release.x=y", "'image.release' is a single value, it has no 'x'", nil),
        ("files=x", "'files' is a list", "name an element by index, as in files.0"),
        ("files.path=x", "'files' is a list", nil),
        ("files.2.path=x", "index 2 out of range: 'files' has 2 elements", nil),
        ("files.-1.path=x", "'files' is a list", nil),
        ("source.keys.99999999999999999999=x", "'source.keys' is a list", nil),
        ("packages.update=perhaps", "'packages.update' must be true or false", nil),
        ("targets.lxc.config.0.before=x", "must be a whole number", nil),
        ("source.downloader=debootsrap", "'debootsrap' is not a downloader", "did you mean 'debootstrap'?"),
        ("image.architecture=amd46", "'amd46' is not an architecture", "did you mean 'amd64'?"),
        ("image..release=x", "a part of the key is empty", nil),
        ("image.name={% with %}", "tag 'with' is not supported", nil),
    ]

    @Test(arguments: refusals.indices) func isRefusedByItsKey(_ index: Int) throws {
        let (option, reason, hint) = Self.refusals[index]
        let error = try #require(Samples.refusal(Samples.complete, [option]))
        #expect(error.errorClass == .usage)
        #expect(error.subject == "-o \(option.prefix { $0 != "=" })")
        #expect(error.reason.contains(reason), "\(error)")
        if let hint { #expect(error.hint == hint) }
    }

    @Test(arguments: ["", "image.release", "=x"]) func needsAKeyAndAValue(_ option: String) throws {
        let error = try #require(Samples.refusal(Samples.minimal, [option]))
        #expect(error.errorClass == .usage)
        #expect(error.hint == "write -o key=value")
    }

    @Test func anIndexIntoAListThatIsNotThereIsOutOfRange() throws {
        let error = try #require(Samples.refusal(Samples.minimal, ["source.keys.0=x"]))
        #expect(error.errorClass == .usage)
        #expect(error.reason == "index out of range: 'source.keys' has no elements")
    }
}
