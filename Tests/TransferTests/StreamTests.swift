// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model
import TestSupport
import Testing
import Transfer

@Suite("A big file")
struct StreamTests {
    @Test("of 1 GiB passes without being held in memory, and every piece is right", .timeLimit(.minutes(60)))
    func memory() async throws {
        try await HostileServer.with { server async throws in
            let size = 1 << 30
            server.on("/a") { .pattern(size: size, for: $0) }
            let (delivered, wrong, growth) = try await client(server) { session in
                let before = residentBytes()
                var delivered = 0
                var wrong = 0
                var growth = 0
                var next = 0
                try session.stream("a", size: size) { span in
                    if unsafe span.unsafeLoadUnaligned(as: UInt8.self) != patternByte(at: delivered) { wrong += 1 }
                    delivered += span.byteCount
                    if delivered >= next {
                        growth = max(growth, residentBytes() - before)
                        next = delivered + (32 << 20)
                    }
                }
                return (delivered, wrong, growth)
            }
            #expect(delivered == size)
            #expect(wrong == 0)
            // Other tests of this process grow meanwhile, by far less than the file.
            #expect(growth < 256 << 20, "grew by \(growth >> 20) MiB")
        }
    }

    @Test("reports what it has delivered, in order, up to all of it")
    func progress() async throws {
        try await HostileServer.with { server async throws in
            let size = 5 << 20
            server.on("/a") { .pattern(size: size, for: $0) }
            let seen = try await client(server) { session in
                var seen: [Int] = []
                session.onProgress = { seen.append($0) }
                _ = try session.streamed("a", from: 1 << 20, size: size)
                return seen
            }
            #expect(seen.last == 4 << 20)
            #expect(zip(seen, seen.dropFirst()).allSatisfy { $0 < $1 })
        }
    }

    @Test("that is not there is TRANSPORT", arguments: [404, 410])
    func missing(_ status: Int) async throws {
        try await HostileServer.with { server async throws in
            server.on("/a") { _ in .response(status: status) }
            let error = try await refusal(server) { _ = try $0.streamed("a", size: 5) }
            #expect(error.errorClass == .transport && error.reason.contains("\(status)"))
            #expect(server.requests.count == 1)
        }
    }
}

/// Bytes of this process in memory (proc(5), statm: pages, the second field).
private func residentBytes() -> Int {
    guard let data = try? Data(contentsOf: URL(filePath: "/proc/self/statm")) else { return 0 }
    let fields = String(decoding: data, as: UTF8.self).split(separator: " ")
    return (fields.count > 1 ? Int(fields[1]) ?? 0 : 0) * 4096
}
