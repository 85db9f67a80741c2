// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// Every package manager by a stand-in that only writes down how it was called: the commands that an image is built with,
/// word for word and in their order.
@Suite("Package managers", .scratchDirectory)
struct ManagerTests {
    /// A manager, the programs it has, and what they are called with.
    struct Row: Sendable, CustomTestStringConvertible {
        var manager: String
        var programs: [String]
        var calls: [String]
        var repositories = ""
        var more = ""
        var testDescription: String { manager }
    }

    static let rows: [Row] = [
        Row(
            manager: "apk",
            programs: ["apk"],
            calls: [
                "apk|--no-cache|update", "apk|--no-cache|upgrade", "apk|--no-cache|add|--flag|one|two",
                "apk|--no-cache|del|--rdepends|three",
            ],
            repositories: "name: key.pub\n    url: https://x.invalid/main\n    key: the key",
            more: "mkdir -p etc/apk; printf first >etc/apk/repositories"
        ),
        Row(
            manager: "dnf",
            programs: ["dnf"],
            calls: [
                "dnf|-y|makecache", "dnf|-y|upgrade|--nobest", "dnf|-y|install|--nobest|--flag|one|two",
                "dnf|-y|remove|three", "dnf|-y|clean|all",
            ],
            repositories: "name: extra\n    url: '[extra]'"
        ),
        Row(
            manager: "yum",
            programs: ["yum", "rpmdb"],
            calls: [
                "yum|--help", "rpmdb|--rebuilddb", "yum|-y|makecache", "yum|-y|update", "yum|-y|install|--flag|one|two",
                "yum|-y|remove|three", "yum|-y|clean|all",
            ],
            repositories: "name: extra.repo\n    url: '[extra]'"
        ),
        Row(
            manager: "zypper",
            programs: ["zypper"],
            calls: [
                "zypper|ar|--refresh|--check|https://x.invalid|extra",
                "zypper|--non-interactive|--gpg-auto-import-keys|refresh",
                "zypper|--non-interactive|--gpg-auto-import-keys|update",
                "zypper|--non-interactive|--gpg-auto-import-keys|install|--allow-downgrade|--replacefiles|--flag|one|two",
                "zypper|--non-interactive|--gpg-auto-import-keys|remove|three",
                "zypper|--non-interactive|--gpg-auto-import-keys|clean|-a",
            ],
            repositories: "name: extra\n    url: https://x.invalid"
        ),
        Row(
            manager: "pacman",
            programs: ["pacman", "pacman-key"],
            calls: [
                "pacman-key|--init", "pacman-key|--populate", "pacman|--noconfirm|-Syy", "pacman|--noconfirm|-Su",
                "pacman|--noconfirm|-S|--needed|--flag|one|two", "pacman|--noconfirm|-Rcs|three",
                "pacman|--noconfirm|-Sc",
            ],
            more: """
                mkdir -p etc/pacman.d var/cache/pacman/pkg; touch var/cache/pacman/pkg/package
                printf '## A\\n#Server = https://a.invalid/$repo\\n#Server = https://b.invalid/$repo\\n' >etc/pacman.d/mirrorlist
                """
        ),
        Row(
            manager: "portage",
            programs: ["emerge"],
            calls: ["emerge|--update|@world", "emerge|--autounmask-continue|--flag|one|two", "emerge|--unmerge|three"]
        ),
        Row(
            manager: "egoportage",
            programs: ["emerge", "ego"],
            calls: [
                "ego|sync", "emerge|--update|@world", "emerge|--autounmask-continue|--quiet-build=y|--flag|one|two",
                "emerge|--unmerge|three",
            ]
        ),
        Row(
            manager: "xbps",
            programs: ["xbps-install", "xbps-remove"],
            calls: [
                "xbps-install|--sync", "xbps-install|--yes|--update", "xbps-install|--yes|--update",
                "xbps-install|--yes|--flag|one|two", "xbps-remove|--yes|--recursive|--remove-orphans|three",
                "xbps-remove|--yes|--clean-cache",
            ]
        ),
        Row(
            manager: "opkg",
            programs: ["opkg"],
            calls: ["opkg|update", "opkg|install|--flag|one|two", "opkg|remove|three"]
        ),
        Row(
            manager: "slackpkg",
            programs: ["slackpkg"],
            calls: [
                "slackpkg|-batch=on|-default_answer=y|update",
                "slackpkg|-batch=on|-default_answer=y|install|--flag|one|two",
                "slackpkg|-batch=on|-default_answer=y|remove|three",
            ]
        ),
        Row(
            manager: "equo",
            programs: ["equo", "enman"],
            calls: [
                "equo|repo|add|--repo|https://x.invalid|--pkg|https://x.invalid|extra", "enman|add|https://y.invalid",
                "equo|update", "equo|upgrade", "equo|install|--flag|one|two", "equo|remove|three", "equo|cleanup",
            ],
            repositories:
                "name: extra\n    url: https://x.invalid\n  - name: more\n    url: https://y.invalid\n    type: enman"
        ),
        Row(
            manager: "anise",
            programs: ["anise"],
            calls: [
                "anise|repo|update|--force", "anise|upgrade|--sync-repos|--skip-config-protect",
                "anise|install|--skip-config-protect|--flag|one|two", "anise|uninstall|--skip-config-protect|three",
                "anise|cleanup|--purge-repos",
            ],
            repositories: "name: extra\n    url: 'a: b'"
        ),
    ]

    private static func packages(_ row: Row) -> String {
        """
        packages:
          manager: \(row.manager)
          update: true
          cleanup: true
          sets:
          - packages: [one]
            action: install
            flags: [--flag]
          - packages: [two]
            action: install
            flags: [--flag]
          - packages: [three]
            action: remove
        \(row.repositories.isEmpty ? "" : "  repositories:\n  - \(row.repositories)")
        """
    }

    @Test("are called word for word, in the order of the steps", arguments: rows)
    func calls(_ row: Row) async throws {
        let system = try await SmallSystem.make(standIns: row.programs, more: row.more)
        let definition = try system.definition(Self.packages(row))
        let tree = ScratchDirectory.path.appending("tree")
        try await Programs.rootcellar("build-dir", definition.string, tree.string).succeeded()
        #expect(try SmallSystem.calls(in: tree) == row.calls)
        switch row.manager {
        case "apk":
            #expect(try text(tree.appending("etc/apk/repositories")) == "first\nhttps://x.invalid/main\n")
            #expect(try text(tree.appending("etc/apk/keys/key.pub")) == "the key\n")
        case "dnf", "yum": #expect(try text(tree.appending("etc/yum.repos.d/extra.repo")) == "[extra]\n")
        case "anise": #expect(try text(tree.appending("etc/anise/repos.conf.d/extra.yml")) == "a: b\n")
        case "pacman":
            let list = try text(tree.appending("etc/pacman.d/mirrorlist"))
            #expect(list == "## A\nServer = https://a.invalid/$repo\n#Server = https://b.invalid/$repo\n")
            #expect(!exists(tree.appending("var/cache/pacman/pkg/package")))
        default: break
        }
    }

    @Test("yum gets the flags that its help names, and no others")
    func yumFlags() async throws {
        let row = Row(manager: "yum", programs: [], calls: [])
        let system = try await SmallSystem.make(
            more: """
                cat >usr/bin/yum <<'END'
                #!/bin/sh
                [ "$1" = --help ] && { echo '--allowerasing'; echo '--nobest'; exit; }
                for word in yum "$@"; do printf '%s|' "$word"; done >>/calls; echo >>/calls
                END
                chmod 755 usr/bin/yum
                """
        )
        let tree = ScratchDirectory.path.appending("tree")
        try await Programs.rootcellar("build-dir", try system.definition(Self.packages(row)).string, tree.string)
            .succeeded()
        #expect(
            try SmallSystem.calls(in: tree) == [
                "yum|-y|--allowerasing|makecache", "yum|-y|--allowerasing|update|--nobest",
                "yum|-y|--allowerasing|install|--flag|one|two", "yum|-y|--allowerasing|remove|three",
                "yum|-y|--allowerasing|clean|all",
            ]
        )
    }

    @Test("a manager that fails ends the build with its last words")
    func failure() async throws {
        let row = Row(manager: "xbps", programs: [], calls: [])
        let system = try await SmallSystem.make(
            more:
                "printf '#!/bin/sh\\necho no such mirror >&2; exit 7\\n' >usr/bin/xbps-install; chmod 755 usr/bin/xbps-install"
        )
        let tree = ScratchDirectory.path.appending("tree")
        let result = try await Programs.rootcellar(
            "build-dir",
            try system.definition(Self.packages(row)).string,
            tree.string
        )
        #expect(result.status == 31)
        #expect(result.errors.contains("'xbps-install --sync' ended with status 7: no such mirror"), "\(result.errors)")
        #expect(!exists(tree))
    }
}
