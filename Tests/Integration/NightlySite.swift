// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SiteSupport
import SystemPackage
import TestSupport

/// A site whose images are built by a catalogue of tiny systems that boot.
struct NightlySite {
    let site: Site
    /// Of a system that boots.
    let definition: FilePath
    var top: FilePath { site.top }
    var catalog: FilePath { top.appending("catalog.yaml") }
    var work: FilePath { top.appending("work") }

    init() async throws {
        site = try await Site()
        let written = try await BusyBoxSystem().definition()
        definition = site.top.appending("small.yaml")
        // The builds of a catalogue have serials of their own.
        let lines = try text(written).split(separator: "\n", omittingEmptySubsequences: false)
        try SiteSupport.write(lines.filter { !$0.contains("serial:") }.joined(separator: "\n").utf8, to: definition)
    }

    /// Writes the catalogue.
    func write(_ groups: String...) throws {
        let text = "defaults: {architectures: [amd64], retention: {keep: 2}}\nimages:\n"
        try SiteSupport.write((text + groups.map { "- \($0)\n" }.joined()).utf8, to: catalog)
    }

    /// Writes another definition: the same, and more, or without the lines that have a word.
    func define(_ name: String, more: String = "", without word: String? = nil) throws {
        let lines = try text(definition).split(separator: "\n", omittingEmptySubsequences: false)
        let kept = lines.filter { line in word.map { !line.contains($0) } ?? true }
        try SiteSupport.write((kept.joined(separator: "\n") + more).utf8, to: top.appending(name))
    }

    /// A script in a definition.
    static func script(_ line: String) -> String {
        "actions:\n- trigger: post-files\n  action: |-\n    #!/bin/sh\n    \(line)\n"
    }

    /// The words of `rootcellar nightly`.
    ///
    /// - Parameter target: where its images go; into the tree by the site's keys without.
    func words(_ more: [String] = [], target: [String]? = nil) -> [String] {
        ["nightly", catalog.string, "--repo", site.tree.string, "--work", work.string]
            + (target ?? ["--keys", site.keys.string])
            + ["--test-only", "lxc", "--cache", top.appending("cache").string] + more
    }

    /// Runs it.
    func run(_ more: String...) async throws -> ProgramResult {
        try await runProgram(Programs.directory.appending("rootcellar").string, words(more))
    }

    /// Runs `rootcellar plan`.
    func plan(_ more: String...) async throws -> ProgramResult {
        try await runProgram(
            Programs.directory.appending("rootcellar").string,
            ["plan", catalog.string, "--repo", site.tree.string, "--work", work.string] + more
        )
    }

    /// The builds that are published, `name/serial`; each must have been tested.
    func builds() async throws -> [String] {
        let files = try await site.files().filter { $0.hasPrefix("images/") }
        func directories(_ name: String) -> [String] {
            files.filter { $0.hasSuffix("/\(name)") }.map { String($0.dropFirst(7).dropLast(name.count + 1)) }
        }
        let builds = directories("image.json")
        guard builds == directories("test.json") else { throw Unexpected(what: "a build was not tested: \(files)") }
        return builds
    }

    /// The processes that have to do with the site.
    func processes() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
            guard Int(name) != nil, let words = try? read(FilePath("/proc/\(name)/cmdline")) else { return false }
            return String(decoding: words, as: UTF8.self).contains(top.string)
        }
    }

    /// Waits until there are none.
    func hasNobodyLeft() async throws -> Bool {
        for _ in 0..<400 {
            if try processes().isEmpty { return true }
            try await Task.sleep(for: .milliseconds(50))
        }
        return false
    }
}
