// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@Suite("An index")
struct IndexShardTests {
    @Test("lists its images by name, in its own order")
    func catalogue() throws {
        let catalogue = try Samples.shard().catalogue(subject: "x")
        #expect(catalogue.map(\.name.path) == ["debian/bookworm/amd64/default"])
        #expect(catalogue.first?.builds.count == 2)
    }

    @Test(
        "with a bad name, an image twice, no build, or serials that do not ascend is BINDING",
        arguments: [
            "name", "distribution", "twice", "empty", "descending", "equal",
        ]
    )
    func refused(_ what: String) throws {
        var shard = try Samples.shard()
        switch what {
        case "name": shard.images[0].variant = "a/b"
        case "distribution": shard.distribution = "Debian"
        case "twice": shard.images.append(shard.images[0])
        case "empty": shard.images[0].builds = []
        case "descending": shard.images[0].builds.reverse()
        default: shard.images[0].builds[1] = shard.images[0].builds[0]
        }
        #expect(errorClass { _ = try shard.catalogue(subject: "x") } == .binding)
    }
}
