// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import SystemPackage
import TestSupport
import Testing
import Transfer

@Suite("Real web servers")
struct NginxTests {
    @Test("nginx serves whole files, ranges, conditions and what is missing", .scratchDirectory)
    func nginx() async throws {
        // A port that was free a moment ago: nginx cannot be asked which one the kernel gave it. Another process may
        // take it in between, hence several attempts.
        for attempt in 1...5 {
            let directory = ScratchDirectory.path.appending("\(attempt)")
            if try await run(in: directory) { return }
        }
        Issue.record("nginx found no port")
    }

    private func run(in directory: FilePath) async throws -> Bool {
        let made = try await runProgram(
            "sh",
            ["-c", "mkdir -p \(directory)/tree && seq 1 200000 > \(directory)/tree/a"]
        )
        #expect(made.status == 0)
        return try await HostileServer.with { authority async throws in
            let port = try await HostileServer.with { $0.port }
            let configuration = """
                user root; daemon on; pid \(directory)/pid; error_log \(directory)/log; events {}
                http {
                  access_log off; client_body_temp_path \(directory)/t1; proxy_temp_path \(directory)/t2;
                  fastcgi_temp_path \(directory)/t3; uwsgi_temp_path \(directory)/t4; scgi_temp_path \(directory)/t5;
                  server {
                    listen 127.0.0.1:\(port) ssl http2; root \(directory)/tree; gzip on; gzip_types *;
                    ssl_certificate \(authority.certificate.chain); ssl_certificate_key \(authority.certificate.key);
                  }
                }
                """
            let file = directory.appending("nginx.conf")
            try Data(configuration.utf8).write(to: URL(filePath: file.string))
            let started = try await runProgram("/usr/sbin/nginx", ["-c", file.string])
            guard started.status == 0 else {
                #expect(started.errors.contains("Address already in use"), "\(started.errors)")
                return false
            }
            let results: Result<[GetResult], any Error>
            let url = "https://localhost:\(port)"
            do {
                let size = 1_288_895
                results = .success(
                    try await client(authority, url: url) { session in
                        let whole = try session.get("a", limit: 1 << 24, exactSize: size)
                        guard case .found(let bytes, let etag) = whole else { return [whole] }
                        let tail = try session.streamed("a", from: 1000, size: size)
                        return [
                            .found(bytes: tail, etag: nil), .found(bytes: Array(bytes.dropFirst(1000)), etag: nil),
                            try session.get("a", limit: 1 << 24, etag: etag), try session.get("b", limit: 1),
                        ]
                    }
                )
            } catch {
                results = .failure(error)
            }
            _ = try await runProgram("/usr/sbin/nginx", ["-c", file.string, "-s", "quit"])
            let answers = try results.get()
            #expect(answers.count == 4 && answers[0] == answers[1])
            #expect(answers.suffix(2) == [.notModified, .missing])
            return true
        }
    }
}
