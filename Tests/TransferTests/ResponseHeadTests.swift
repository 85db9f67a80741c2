// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Transfer

@Suite("A response head")
struct ResponseHeadTests {
    private func head(_ lines: String...) -> ResponseHead {
        var head = ResponseHead()
        for line in lines { head.take(line: line + "\r\n") }
        return head
    }

    @Test("is complete with the empty line of the final answer")
    func complete() {
        #expect(!head("HTTP/1.1 100 Continue", "").isComplete)
        #expect(!head("HTTP/1.1 200 OK", "Content-Length: 5").isComplete)
        let full = head("HTTP/1.1 103 Early", "ETag: \"no\"", "", "HTTP/1.1 200 OK", "Content-Length:  5 ", "")
        #expect(full.isComplete && full.status == 200 && full.contentLength == 5 && full.etag == nil)
    }

    @Test("does not listen to trailers")
    func trailers() {
        let full = head("HTTP/1.1 200 OK", "", "Content-Encoding: gzip", "HTTP/1.1 404 No", "ETag: \"late\"")
        #expect(full.status == 200 && full.flaw == nil && full.etag == nil)
    }

    @Test(
        "with an unusable body says so",
        arguments: [
            "Content-Encoding: gzip", "content-encoding:identity", "Transfer-Encoding: gzip, chunked",
            "Content-Length: -1", "Content-Length: +5", "Content-Length: 5, 5", "Content-Length: 0x5",
            "Content-Length: 99999999999999999999", "Content-Length:", " folded", "no colon",
        ]
    )
    func flaws(_ line: String) {
        #expect(head("HTTP/1.1 200 OK", "Server: x", line, "").flaw != nil)
    }

    @Test("takes two equal lengths, not two different ones")
    func lengths() {
        #expect(head("HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 5", "").flaw == nil)
        #expect(head("HTTP/1.1 200 OK", "Content-Length: 5", "Content-Length: 6", "").flaw != nil)
    }

    @Test("has no content range if it is odd or there are two")
    func noRange() {
        #expect(head("HTTP/1.1 206 OK", "Content-Range: bytes 0-4/5", "").contentRange != nil)
        #expect(head("HTTP/1.1 206 OK", "Content-Range: bytes 0-4/*", "").contentRange == nil)
        let twice = head("HTTP/1.1 206 OK", "Content-Range: bytes 0-4/5", "Content-Range: bytes 0-4/5", "")
        #expect(twice.contentRange == nil && twice.flaw == nil)
    }

    @Test("tells strong entity tags from weak and odd ones")
    func etags() {
        #expect(head("HTTP/1.1 200 OK", "ETag: \"a-1\"").strongETag == "\"a-1\"")
        #expect(head("HTTP/1.1 200 OK", "ETag: W/\"a-1\"").strongETag == nil)
        #expect(head("HTTP/1.1 200 OK", "ETag: W/\"a-1\"").etag == "W/\"a-1\"")
        #expect(head("HTTP/1.1 200 OK", "ETag: \"a b\"").etag == nil)
        #expect(head("HTTP/1.1 200 OK", "ETag: \"").strongETag == nil)
    }

    @Test(
        "reads a content range of the one useful form",
        arguments: [
            ("bytes 0-0/1", ContentRange(first: 0, last: 0, total: 1)),
            ("bytes 5-9/10", ContentRange(first: 5, last: 9, total: 10)),
            ("Bytes 5-9/10", ContentRange(first: 5, last: 9, total: 10)),
            ("bytes 5-10/10", nil), ("bytes 6-5/10", nil), ("bytes */10", nil), ("bytes 5-9/*", nil),
            ("bytes 5-/10", nil),
            ("bytes -5/10", nil), ("bytes=5-9/10", nil), ("bytes  5-9/10", nil), ("bytes 5-9", nil), ("5-9/10", nil),
            ("bytes 5-9/10/10", nil), ("bytes 5-7-9/10", nil), ("bytes +5-9/10", nil), ("", nil),
        ]
    )
    func ranges(_ text: String, _ range: ContentRange?) {
        #expect(ContentRange(text) == range)
    }

    @Test("of random lines never gives numbers that are not there")
    func fuzz() {
        var generator = SeededGenerator()
        let names = ["Content-Length", "content-range", "ETag", "Transfer-Encoding", "Location", "X", "HTTP/1.1 2", ""]
        for _ in 0..<20_000 {
            var head = ResponseHead()
            for _ in 0..<Int.random(in: 0...5, using: &generator) {
                let noise = String(decoding: generator.bytes(Int.random(in: 0...12, using: &generator)), as: UTF8.self)
                let digits = String(Int.random(in: -5...1_000_000, using: &generator))
                head.take(
                    line:
                        "\(names.randomElement(using: &generator) ?? ""):\(Bool.random(using: &generator) ? noise : digits)\r\n"
                )
            }
            #expect((head.contentLength ?? 0) >= 0, "seed \(generator.seed)")
            if let range = head.contentRange {
                #expect(range.first <= range.last && range.last < range.total, "seed \(generator.seed)")
            }
            #expect((head.etag ?? "").utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "seed \(generator.seed)")
        }
    }
}
