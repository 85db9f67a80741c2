// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// The publisher's side of `FaultSweepTests`, with the same variable.
@Suite("A fault at any system call of a publisher", .scratchDirectory, .serialized)
struct PublishFaultTests {
    @Test("94: SIGKILL -> the tree is right, the next publisher leaves no trace of it")
    func kill() async throws {
        // Not in children: an agent of gpg outlives a publisher that was killed, and strace(1) waits for it.
        try await sweep().run([.kill], "publish-kill") { !$0.everywhere }
    }

    @Test("95: no space, input/output errors, no descriptors -> the tree is right, a failure is reported")
    func errors() async throws {
        let kinds: [Fault.Kind] = [.error("ENOSPC"), .error("EIO"), .error("EMFILE")]
        try await sweep().run(kinds, "publish-errors") { _ in true }
    }

    @Test("96: fsync fails at any place, the pointer's included -> a failure is reported, what was there is served")
    func flush() async throws {
        try await sweep().run([.error("EIO")], "publish-fsync") { $0.call == "fsync" && !$0.everywhere }
    }

    @Test("94-95: SIGKILL, no space and input/output errors while refreshing -> the tree is right, the next time works")
    func refresh() async throws {
        let site = try await Site.publishing(small(age: 7200))
        let sweep = PublisherSweep(site: site, words: ["repo", "refresh"], builds: (1, 1))
        try await sweep.run([.kill, .error("ENOSPC"), .error("EIO")], "refresh") { $0.kind != .kill || !$0.everywhere }
    }

    private func small(age: Int64) -> SyntheticImage {
        var image = SyntheticImage()
        image.bulk = 60
        image.age = age
        return image
    }

    /// A second build, published over a first one.
    private func sweep() async throws -> PublisherSweep {
        let site = try await Site.publishing(small(age: 7200))
        let image = try await small(age: 60).write(to: ScratchDirectory.path.appending("next"))
        let words = ["publish", image.string, "--untested"]
        return PublisherSweep(site: site, words: words, builds: (1, 2), refusal: "is published")
    }
}
