// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

extension PastFault {
    /// A tree with one image, a newer image, and words of `publish`.
    private static func publication(
        _ what: String,
        status: Int,
        _ saying: String,
        words: [String] = ["--untested"],
        _ change: @escaping @Sendable (Site, FilePath) async throws -> Void
    ) -> PastFault {
        PastFault(what: what, gate: .publish, status: status, saying: saying) {
            let site = try await Site()
            var old = SoundImage(age: 7200)
            old.tar.add("etc/old", text: "old\n")
            let first = try await old.write(to: site.top.appending("old"))
            try await site.publish(first).succeeded()
            let image = try await SoundImage().write(to: site.top.appending("image"))
            let before = try await site.files()
            try await change(site, image)
            let result = try await runProgram(
                Programs.directory.appending("rootcellar").string,
                ["publish", image.string, "--repo", site.tree.string, "--keys", site.keys.string] + words
            )
            #expect(try await site.files() == before, "something was published")
            return result
        }
    }

    /// Changes `image.json` by a line of Python on the document `d`.
    private static func edit(_ line: String) -> @Sendable (Site, FilePath) async throws -> Void {
        { site, image in
            let script = """
                import json, sys
                path = sys.argv[1] + "/image.json"
                d = json.load(open(path))
                old = json.load(open(sys.argv[1] + "/../old/image.json"))
                exec(sys.argv[2])
                json.dump(d, open(path, "w"))
                """
            try await Programs.shell("python3 -c \"$3\" \"$1\" \"$2\"", image.string, line, script)
        }
    }

    static let publications = [
        publication("an image that nobody ever started", status: 20, "no test result", words: []) { _, _ in },
        publication("an image whose tests are those of another", status: 20, "cannot be read", words: []) { _, image in
            try write("{}".utf8, to: image.appending("test.json"))
        },
        publication("a file that was replaced after it was tested", status: 16, "SHA-256") { _, image in
            try await Programs.shell(
                "printf X | dd of=\"$1/rootfs.tar.xz\" bs=1 seek=40 conv=notrunc status=none",
                image.string
            )
        },
        publication("a file that was cut after it was tested", status: 17, "is cut") { _, image in
            try await Programs.shell("truncate -s -1 \"$1/rootfs.tar.zst\"", image.string)
        },
        publication(
            "a line of the index without the files of it",
            status: 34,
            "which LXC needs",
            edit("del d['files']['rootfs.tar.xz']")
        ),
        publication(
            "the release of yesterday, from a mirror that is behind",
            status: 20,
            "is not newer",
            edit("d['serial'] = '20200101_00:00'")
        ),
        publication("the same build under a new date", status: 20, "the same content") { site, image in
            try await edit("serial = d['serial']; d.clear(); d.update(old); d['serial'] = serial")(site, image)
            try await Programs.shell("cp \"$1\"/../old/*.tar.* \"$1\"", image.string)
        },
        publication(
            "a source that nobody verified",
            status: 20,
            "tainted",
            edit("d['taints'] = ['source: not verified']")
        ),
        publication(
            "a name that leads out of the tree",
            status: 20,
            "distribution",
            edit("d['distribution'] = '../../x'")
        ),
        publication(
            "a file that leads out of the tree",
            status: 14,
            "cannot be the name",
            edit("d['files']['../x'] = d['files']['meta.tar.xz']")
        ),
        publication("a signature that cannot be made, its index published all the same", status: 11, "secret key") {
            site,
            _ in
            try await Programs.shell(
                "rm -f \"$1\"/gnupg/private-keys-v1.d/*.key \"$1\"/*/gnupg/private-keys-v1.d/*.key",
                site.keys.string
            )
        },
    ]

    /// A published tree in which a script changes something.
    private static func tree(_ what: String, status: Int, _ saying: String, _ script: String) -> PastFault {
        PastFault(what: what, gate: .check, status: status, saying: saying) {
            var image = SyntheticImage()
            image.hasStreams = true
            let site = try await Site.publishing(image)
            try await site.check().succeeded()
            try await Programs.shell("cp -a \"$1\" \"$2\"", site.tree.string, site.top.appending("before").string)
            var newer = SyntheticImage()
            newer.age = 60
            newer.hasStreams = true
            try await site.publish(newer)
            try await Programs.shell("cd \"$1\"; \(script)", site.tree.string, site.top.appending("before").string)
            return try await site.check()
        }
    }

    static let trees = [
        tree(
            "an index that names files which are not there yet",
            status: 34,
            "meta.tar.xz",
            "rm \"$(find images -name meta.tar.xz | sort | tail -n 1)\""
        ),
        tree(
            "a file that a mirror has spoilt",
            status: 16,
            "rootfs.tar.xz",
            "printf X | dd of=\"$(find images -name rootfs.tar.xz | sort | tail -n 1)\" bs=1 seek=99 conv=notrunc status=none"
        ),
        tree(
            "indexes of yesterday beside the builds of today",
            status: 14,
            "index",
            "cp \"$2\"/meta/1.0/index-user meta/1.0/index-user"
        ),
        tree(
            "a signature that does not belong to its file",
            status: 11,
            "index",
            "cp \"$2\"/meta/1.0/index-user.asc meta/1.0/index-user.asc"
        ),
        tree(
            "a signature that was never made",
            status: 34,
            ".asc",
            "rm \"$(find images -name 'rootfs.tar.xz.asc' | sort | tail -n 1)\""
        ),
        tree(
            "a file that is in the tree by accident",
            status: 34,
            "nothing that is signed names",
            "echo secret >images/notes"
        ),
        tree("files that the web server may not read", status: 34, "cannot read", "chmod 700 images/example"),
        tree(
            "a catalogue of LXD that is not that of the builds",
            status: 14,
            "catalogue",
            "sed -i 's/amd64/arm64/' streams/v1/images*.json streams/v1/index.json"
        ),
    ]
}
