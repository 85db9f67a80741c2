// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
package import SystemPackage
import TestSupport

/// `rootcellar serve` over a tree, as a process of its own.
package struct PublishedServer: Sendable {
    /// HOST:PORT.
    package let address: String
    /// The certificate that clients must be given.
    package let authority: FilePath
    private let log: FilePath
    private let process: pid_t

    package var url: String { "https://\(address)" }

    /// Everything that the server has said so far.
    package func said() async throws -> String {
        try await Task.sleep(for: .milliseconds(100))
        return try text(log)
    }

    /// Serves the site's tree while `body` runs.
    ///
    /// - Parameter words: more options.
    package static func run<Result: Sendable>(
        _ site: Site,
        words: [String] = [],
        _ body: (PublishedServer) async throws -> Result
    ) async throws -> Result {
        let directory = site.top.appending("serve-\(UInt32.random(in: 0 ... .max))")
        try makeDirectory(directory)
        let authority = directory.appending("ca.pem")
        let (out, log, pid) = (
            directory.appending("out"), directory.appending("log"), directory.appending("pid")
        )
        // The shell becomes the server, so that its process id is the server's.
        async let ended = runProgram(
            "sh",
            [
                "-euc",
                "echo $$ > \"$1.new\"; mv \"$1.new\" \"$1\"; out=$2 log=$3; shift 3; exec \"$@\" >\"$out\" 2>\"$log\"",
                "sh", pid.string, out.string, log.string, Programs.directory.appending("rootcellar").string, "serve",
                "--repo", site.tree.string, "--listen", "127.0.0.1:0", "--ca-out", authority.string, "--access-log",
            ] + words
        )
        var line = ""
        for _ in 0..<400 {
            line = (try? text(out)) ?? ""
            if line.hasSuffix("\n") { break }
            try await Task.sleep(for: .milliseconds(25))
        }
        guard let process = try? pid_t(text(pid).trimming()) else { throw Unexpected(what: "no process id") }
        do {
            guard line.hasPrefix("https://") else {
                throw Unexpected(what: "the server does not listen: \((try? text(log)) ?? "no log")")
            }
            let address = line.dropFirst("https://".count).trimming()
            let server = PublishedServer(address: address, authority: authority, log: log, process: process)
            let result = try await body(server)
            server.stop()
            _ = try await ended
            return result
        } catch {
            _ = Glibc.kill(process, SIGKILL)
            throw error
        }
    }

    /// Stops serving, gracefully.
    package func stop() { _ = Glibc.kill(process, SIGTERM) }

    /// Ends it at once, as a crash does.
    package func kill() { _ = Glibc.kill(process, SIGKILL) }

    /// Stops serving and waits until nobody is there any more.
    package func stopAndWait() async throws {
        stop()
        for _ in 0..<400 where isListening { try await Task.sleep(for: .milliseconds(25)) }
        guard !isListening else { throw Unexpected(what: "the server does not stop") }
    }

    private var isListening: Bool { address.split(separator: ":").last.flatMap { Int($0) }.map(canConnect) ?? false }

    /// All requests so far, and how many bytes of body each was answered with.
    package func traffic() async throws -> [(path: String, bytes: Int)] {
        try await Task.sleep(for: .milliseconds(100))
        return try text(log).split(separator: "\n").compactMap { line in
            line.firstMatch(of: /"bytes":(\d+),.*"method":"GET",.*"path":"([^"]*)"/).map {
                (String($0.2), Int($0.1) ?? 0)
            }
        }
    }

    /// The paths of all requests so far. A request is logged when it is over, so this waits a moment.
    package func requests() async throws -> [String] {
        try await Task.sleep(for: .milliseconds(100))
        return try text(log).split(separator: "\n").compactMap { line in
            line.firstMatch(of: /"method":"GET",.*"path":"([^"]*)","status":(\d+)/).map { "\($0.2) \($0.1)" }
        }
    }
}

extension StringProtocol {
    /// Without white space at both ends.
    package func trimming() -> String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
