// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("The directory of a cache", .scratchDirectory)
struct CacheOwnershipTests {
    @Test("92: of another user, writable for others, or a symbolic link -> CACHE, one line that helps, nothing written")
    func foreign() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let cases: [(name: String, script: String, hint: String)] = [
                ("base-of-another", "chown 12345 \"$1\"", "another user (12345)"),
                ("base-of-the-group", "chmod 775 \"$1\"", "chmod go-w"),
                ("base-of-all", "chmod 777 \"$1\"", "chmod go-w"),
                ("of-another", "chown 12345 \"$1/rootcellar\"", "another user (12345)"),
                ("of-the-group", "chmod 775 \"$1/rootcellar\"", "chmod go-w"),
                ("link", "mv \"$1/rootcellar\" \"$1/other\"; ln -s other \"$1/rootcellar\"", "a symbolic link"),
                ("objects-of-another", "chown 12345 \"$1/rootcellar/objects/sha256\"", "another user (12345)"),
                (
                    "servers-link", "mv \"$1/rootcellar/servers\" \"$1/s\"; ln -s ../s \"$1/rootcellar/servers\"",
                    "a symbolic link"
                ),
                ("images-of-all", "chmod 777 \"$1/rootcellar/images\"", "chmod go-w"),
                ("file", "rm -r \"$1/rootcellar/locks\"; : > \"$1/rootcellar/locks\"", "not a directory"),
            ]
            for (name, script, hint) in cases {
                let host = try ClientHost(name)
                try await host.trust(server, site)
                try await host.download(server).result.succeeded()
                try await Programs.shell(script, host.base.string)
                let before = try await Snapshot(host.base)
                let outside = try await Snapshot(host.base.appending("other"))
                for options in [[], ["--force-cache"], ["--flush-cache"]] {
                    let creation = try await host.download(server.address, "example/one/amd64", options)
                    let comment = Comment(rawValue: "\(name) \(options): \(creation.result.errors)")
                    #expect(creation.result.status == 19, comment)
                    #expect(creation.result.errorLine?.hasPrefix("rootcellar: CACHE: ") == true, comment)
                    #expect(creation.result.errors.contains(hint), comment)
                    #expect(try creation.isUntouched, comment)
                }
                #expect(try await Snapshot(host.base).differences(from: before) == [], "\(name)")
                #expect(try await Snapshot(host.base.appending("other")) == outside, "\(name)")
            }
        }
    }

    @Test("92: may lie in one that everybody writes to and nobody removes others' things from, as /tmp is")
    func sticky() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await Programs.shell("mkdir -m 1777 \"$1\"", host.base.string)
            try await host.trust(server, site)
            try await host.download(server).result.succeeded()
        }
    }

    @Test("102: a lock that somebody holds is waited for with a word on who it is, up to a limit, then it is CACHE")
    func heldLock() async throws {
        let site = try await Site.publishing()
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            try write("lock-wait = 2\n".utf8, to: host.configuration.appending("rootcellar.conf"))
            let held = """
                lock=\(host.cache.appending("locks/server-\(Site.id)")); mkdir -p "${lock%/*}"
                flock "$lock" sh -c ': > "$0"; exec sleep 60' "$lock.taken" & while ! [ -e "$lock.taken" ]; do sleep 0.1; done
                status=0; "$@" || status=$?; pkill -P $!; wait; exit $status
                """
            let creation = try await host.download(server, script: held)
            #expect(creation.result.status == 19, "\(creation.result.errors)")
            #expect(creation.result.errors.contains("has had this lock for 2 seconds"))
            #expect(creation.result.errors.contains(/another process \(\d+, [a-z]+\)/))
            #expect(try creation.isUntouched)
            // A lock of a killed process is no lock.
            try await Programs.shell("flock \"$1\" sh -c 'kill -9 $$' || true", host.cache.appending("locks/x").string)
            try await host.download(server).result.succeeded()
        }
    }
}
