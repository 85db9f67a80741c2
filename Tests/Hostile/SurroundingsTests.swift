// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("A creation in odd surroundings", .scratchDirectory)
struct SurroundingsTests {
    /// Runs a creation through each script into an empty cache: it works as usual, or fails cleanly.
    private func run(
        _ scripts: [String: String],
        mustWork: Bool,
        classes: Set<Int> = [19],
        emptyCache: Bool = true
    ) async throws {
        let number = UInt32.random(in: 0 ... .max)
        let site = try await Site(in: ScratchDirectory.path.appending("site-\(number)"))
        try await site.publish(SyntheticImage())
        try await PublishedServer.run(site) { server in
            let host = try ClientHost("host-\(number)")
            try await host.trust(server, site)
            let reference = try await host.download(server)
            let expected = try await reference.snapshot()
            for (name, script) in scripts.sorted(by: { $0.key < $1.key }) {
                if emptyCache { host.emptyCache() }
                let creation = try await host.download(server, script: script)
                let result = creation.result
                let place = Comment(rawValue: "\(name): \(result.status) \(result.output) \(result.errors)")
                if mustWork || result.status == 0 {
                    #expect(result.status == 0, place)
                    let differences = try await creation.snapshot().differences(from: expected)
                    #expect(differences == [], place)
                    let strange = try await host.strangeCacheFiles()
                    #expect(strange == [], place)
                    let modes = try await Programs.shell(
                        "cd \"$1\"; find . ! -perm 755 ! -perm 644 -printf '%P %m '; stat -c %a \"$2\"",
                        host.cache.string,
                        creation.config.string
                    )
                    #expect(modes == "640\n", place)
                } else {
                    #expect(classes.contains(result.status), place)
                    let isUntouched = try creation.isUntouched
                    #expect(isUntouched, place)
                }
                let next = try await host.download(server)
                #expect(next.result.status == 0, place)
            }
        }
    }

    @Test(
        "120: closed descriptors, umask 000 and 777, no HOME, a deleted directory, no TMPDIR -> works, modes as meant"
    )
    func odd() async throws {
        try await run(
            [
                "no-input": "exec \"$@\" <&-",
                "no-output": "exec \"$@\" >&-",
                "no-errors": "exec \"$@\" 2>&-",
                "nothing-open": "exec \"$@\" <&- >&- 2>&-",
                "umask-000": "umask 000; exec \"$@\"",
                "umask-777": "umask 777; exec \"$@\"",
                "no-home": "unset HOME; exec \"$@\"",
                "odd-home": "HOME=relative; exec \"$@\"",
                "no-directory":
                    "mkdir \"$0.d.$$\"; cd \"$0.d.$$\"; rmdir \"$OLDPWD/$0.d.$$\" 2>/dev/null || rmdir ../\"${PWD##*/}\"; exec \"$@\"",
                "tmpdir-missing": "TMPDIR=/nonexistent; export TMPDIR; exec \"$@\"",
                "tmpdir-read-only": "TMPDIR=/proc; export TMPDIR; exec \"$@\"",
                "locale": "LC_ALL=tr_TR.UTF-8; export LC_ALL; exec \"$@\"",
                "no-environment":
                    "exec env -i ROOTCELLAR_ETC=\"$ROOTCELLAR_ETC\" LXC_CACHE_PATH=\"$LXC_CACHE_PATH\" \"$@\"",
                "many-descriptors": "exec 3</dev/null 4<&3 5<&3 6<&3 7<&3 8<&3 9<&3; exec \"$@\"",
            ],
            mustWork: true
        )
    }

    @Test("120: 16 descriptors, little memory, a small file size limit -> works or fails cleanly")
    func limits() async throws {
        try await run(
            [
                "descriptors-16": "ulimit -n 16; exec \"$@\"",
                "descriptors-8": "ulimit -n 8; exec \"$@\"",
                "file-size": "trap '' XFSZ; ulimit -f 2000; exec \"$@\"",
                "processes": "exec prlimit --nproc=1:1 \"$@\"",
            ],
            mustWork: false,
            classes: Set(10...21)
        )
    }

    @Test(
        "95: a full file system, by bytes and by files, under the cache -> CACHE, under the rootfs -> ARCHIVE; unchanged"
    )
    func fullFileSystems() async throws {
        let find =
            "for word; do case $word in --rootfs=*) rootfs=${word#--rootfs=};; esac; done; mkdir -p \"$LXC_CACHE_PATH\""
        func cache(_ options: String) -> String {
            """
            \(find)
            exec unshare --mount sh -euc 'mount -t tmpfs -o mode=755,\(options) none "$LXC_CACHE_PATH"; exec "$@"' sh "$@"
            """
        }
        func rootfs(_ options: String) -> String {
            """
            \(find)
            exec unshare --mount sh -uc '
                mount -t tmpfs -o mode=755,\(options) none "$0" || exit 99
                "$@"; status=$?
                [ $status = 0 ] || [ -z "$(ls -A "$0")" ] || { ls -A "$0"; exit 98; }
                [ $status != 0 ] || exit 97
                exit $status' "$rootfs" "$@"
            """
        }
        try await run(
            [
                "cache-1m": cache("size=1m"), "cache-64k": cache("size=64k"), "cache-4k": cache("size=4k"),
                "cache-8-files": cache("nr_inodes=8"), "cache-16-files": cache("nr_inodes=16"),
                "cache-22-files": cache("nr_inodes=22"), "cache-2-files": cache("nr_inodes=2"),
            ],
            mustWork: false,
            classes: [19]
        )
        try await run(
            [
                "rootfs-1m": rootfs("size=1m"), "rootfs-8k": rootfs("size=8k"),
                "rootfs-10-files": rootfs("nr_inodes=10"),
                "rootfs-20-files": rootfs("nr_inodes=20"),
            ],
            mustWork: false,
            classes: [17],
            emptyCache: false
        )
    }

    @Test("91: names that are paths, too long or not printable -> POLICY before any file or server is looked for")
    func names() async throws {
        let host = try ClientHost()
        let path = try Creation.makeContainer(host, "c1")
        let cases = [
            ("-d", "../../x"), ("-d", "a/b"), ("-d", ""), ("-r", ".."), ("-r", "x\ny"), ("-a", "amd64;id"),
            ("-a", "%2e"),
            ("--variant", "../x"), ("--variant", String(repeating: "v", count: 300)), ("-d", "Debian"),
            ("--name", "a/b"), ("--name", "a\nb"), ("--name", String(repeating: "n", count: 300)),
        ]
        for (option, value) in cases {
            var words = [
                "download", "--path=\(path)", "--name=c1", "--rootfs=\(path.appending("rootfs"))", "-d", "debian", "-r",
                "bookworm", "-a", "amd64", "--server", "127.0.0.1:1",
            ]
            words += [option, value]
            let result = try await host.run(words)
            #expect(
                result.status == 20 || (value.isEmpty && result.status == 2),
                "\(option) \(value): \(result.errors)"
            )
            #expect(result.errors.split(separator: "\n").count == 1)
            #expect(!exists(host.base))
        }
    }

    @Test("103: records from the future, after a clock was set back, are neither old nor negative")
    func future() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
            for time in ["tomorrow", "yesterday", "2 years", "1970-01-02"] {
                try await Programs.shell(
                    "find \"$1\" -type f -exec touch -d \"$2\" {} +",
                    host.cache.string,
                    time
                )
                let list = try await host.run("cache", "list", "--json").succeeded()
                #expect(!list.output.contains("\"age\" : -"), "\(time): \(list.output)")
                if time != "1970-01-02" {
                    try await host.run("cache", "prune", "--older-than", "30").succeeded()
                    #expect(try await host.run("cache", "list").output.contains("example/one"))
                }
                try await host.download(server).result.succeeded()
            }
        }
    }
}
