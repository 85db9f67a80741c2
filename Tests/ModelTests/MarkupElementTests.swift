// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Model

@Suite("An XML answer")
struct MarkupElementTests {
    private func read(_ text: String) -> MarkupElement? { MarkupElement(reading: Array(text.utf8)) }

    @Test("is read as stores write it")
    func read() {
        let text = """
             <?xml version="1.0" encoding="UTF-8"?>
            <ListBucketResult xmlns='http://s3.amazonaws.com/doc/2006-03-01/'><IsTruncated>false</IsTruncated>
            <Contents><Key>a&amp;b&#x3A;&#43;</Key><Size>6</Size></Contents><Contents><Key/></Contents ></ListBucketResult>

            """
        let element = read(text)
        #expect(element?.name == "ListBucketResult" && element?["IsTruncated"] == "false")
        #expect(element?.all("Contents").map { $0["Key"] } == ["a&b:+", ""])
    }

    @Test(
        "is refused where it is more than an answer",
        arguments: [
            "", "text", "<a>", "<a></b>", "<a/><b/>", "<a>x<b/></a>", "<a b></a>", "<a b=c/>", "<a b=\"<\"/>",
            "<a>&x;</a>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a><!-- --></a>", "<a><![CDATA[x]]></a>", "<a>&#0;</a>",
            "<a>&#xD800;</a>", "<a>&#99999999;</a>", "<a>\u{1}</a>",
            "<a><b><c><d><e><f><g><h><i/></h></g></f></e></d></c></b></a>",
            "<?php?><a/>", "<a/>x", "< a/>", "<1/>", "<a&gt;/>",
        ]
    )
    func refused(_ text: String) { #expect(read(text) == nil) }

    @Test("says what was written, whatever that is, and nothing else can crash it")
    func property() {
        var random = SeededGenerator(seed: 7)
        let scalars = Array("aZ09 -_.&<>'\"\n\té€😀/=;#x".unicodeScalars)
        func element(_ depth: Int) -> MarkupElement {
            let name =
                String("abcXYZ".randomElement(using: &random) ?? "a") + String(Int.random(in: 0..<9, using: &random))
            guard depth < 5, Bool.random(using: &random) else {
                var text = String.UnicodeScalarView()
                for _ in 0..<Int.random(in: 0..<12, using: &random) {
                    text.append(scalars.randomElement(using: &random) ?? "a")
                }
                return MarkupElement(name: name, text: String(text))
            }
            return MarkupElement(
                name: name,
                children: (0...Int.random(in: 0..<4, using: &random)).map { _ in element(depth + 1) }
            )
        }
        func written(_ element: MarkupElement) -> String {
            let text = element.text.unicodeScalars.reduce(into: "") { result, scalar in
                switch scalar {
                case "&": result += "&amp;"
                case "<": result += "&lt;"
                case ">": result += "&gt;"
                case "'": result += "&#39;"
                case "é": result += "&#xE9;"
                default: result.unicodeScalars.append(scalar)
                }
            }
            return "<\(element.name)>\(text)\(element.children.map(written).joined())</\(element.name)>"
        }
        for _ in 0..<2000 {
            let wanted = element(1)
            var bytes = Array(written(wanted).utf8)
            #expect(MarkupElement(reading: bytes) == wanted)
            for _ in 0..<8 {
                switch Int.random(in: 0..<3, using: &random) {
                case 0 where !bytes.isEmpty: bytes.remove(at: Int.random(in: 0..<bytes.count, using: &random))
                case 1:
                    bytes.insert(
                        UInt8.random(in: 0...255, using: &random),
                        at: Int.random(in: 0...bytes.count, using: &random)
                    )
                case 2: bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random)))
                default: break
                }
                // What is read of damage is a document again, and none with more than there is.
                if let read = MarkupElement(reading: bytes) {
                    #expect(written(read).utf8.count <= 8 * bytes.count + 16)
                }
            }
        }
    }
}
