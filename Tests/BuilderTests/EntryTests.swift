// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Builder

@Suite("How a build is entered")
struct EntryTests {
    @Test("subordinate ids are found by name or number, and only a range that is big enough")
    func ranges() {
        let text = "other:100000:65536\nme:5:100\nme:200000:65536\n1000:300000:70000\nbad:x:y\nme:0:70000\n"
        #expect(SubordinateIDs(in: text, user: "me", uid: 7)?.first == 200_000)
        #expect(SubordinateIDs(in: text, user: nil, uid: 1000)?.first == 300_000)
        #expect(SubordinateIDs(in: text, user: "nobody", uid: 7) == nil)
        #expect(SubordinateIDs(in: ":1:70000\n", user: nil, uid: 7) == nil)
        #expect(SubordinateIDs(in: "me:4294967000:65536\n", user: "me", uid: 7) == nil)
        #expect(
            SubordinateIDs(in: text, user: "me", uid: 7)?.options("--map-user", caller: 7)
                == ["--map-user", "0:7:1", "--map-user", "1:200000:65535"]
        )
    }
}
