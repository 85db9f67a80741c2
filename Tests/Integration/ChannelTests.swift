// SPDX-License-Identifier: Apache-2.0

import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

@Suite("Channels and former builds", .scratchDirectory)
struct ChannelTests {
    private func promote(_ site: Site, _ words: String...) async throws {
        try await runProgram(
            Programs.directory.appending("rootcellar").string,
            ["repo", "promote"] + words + ["--repo", site.tree.string, "--keys", site.keys.string]
        ).succeeded()
    }

    @Test("choose the build that a client gets: the usual channel's, another's, or what was current at a moment")
    func choice() async throws {
        let site = try await Site()
        var serials: [String] = []
        var moments: [String] = []
        for age: Int64 in [7200, 3600] {
            var image = SyntheticImage()
            image.age = age
            image.bulk = 10
            try await site.publish(image)
            serials.append(image.serial.description)
            // The index knows whole seconds.
            try await Task.sleep(for: .milliseconds(1100))
            moments.append(clock.description)
            try await Task.sleep(for: .milliseconds(1100))
        }
        let name = "example/one/amd64"
        try await PublishedServer.run(site) { server in
            let host = try ClientHost()
            try await host.trust(server, site)
            func serial(_ words: String...) async throws -> String {
                let creation = try await host.download(server.address, name, words)
                try creation.result.succeeded()
                creation.remove()
                let record = try text(host.cache.appending("images/\(name)/default.json"))
                return serials.first { record.contains("\"\($0)\"") } ?? record
            }
            #expect(try await serial() == serials[1])
            #expect(try await serial("--as-of", moments[0]) == serials[0])
            #expect(try await serial("--as-of=\(moments[1])") == serials[1])
            #expect(try await serial("--as-of", String(moments[1].prefix(10))) == serials[1])

            try await promote(site, name, serials[0], "--to", "stable")
            try await promote(site, name, serials[1], "--to", "testing")
            #expect(try await serial() == serials[0])
            #expect(try await serial("--channel", "testing") == serials[1])
            #expect(try await serial("--channel", "stable") == serials[0])
            let list = try await host.run("list", "--server", server.address).succeeded().output
            #expect(list.contains(serials[0]) && !list.contains(serials[1]), "\(list)")
            let reason = try await host.run("explain", name, "--server", server.address).succeeded().output
            #expect(reason.contains("what the channel 'stable' points to"), "\(reason)")

            for (words, status) in [
                (["--channel", "nonesuch"], 20), (["--as-of", "2001-01-01"], 20), (["--as-of", "yesterday"], 2),
                (["--channel", "../x"], 20),
            ] {
                let refused = try await host.download(server.address, name, words)
                #expect(refused.result.status == status, "\(words): \(refused.result.errors)")
                #expect(try refused.isUntouched, "\(words)")
            }
        }
    }
}
