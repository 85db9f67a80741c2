// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@Suite("The published tree")
struct TreePathTests {
    @Test("has the published layout")
    func layout() throws {
        let serial = try Serial("20260101_00:00")
        #expect(TreePath.pointer == "rootcellar/pointer.signed")
        #expect(TreePath.root(3) == "rootcellar/root/3.signed")
        #expect(TreePath.rootKeys(3) == "rootcellar/root/3.asc")
        #expect(TreePath.manifest(12) == "rootcellar/manifest/12.signed")
        #expect(TreePath.index(Samples.digest) == "rootcellar/index/\(Samples.digest).json")
        #expect(TreePath.build(try Samples.name(), serial) == "images/debian/bookworm/amd64/default/20260101_00:00")
        #expect(
            TreePath.file(try Samples.name(), serial, "image.json")
                == "images/debian/bookworm/amd64/default/20260101_00:00/image.json"
        )
        #expect(TreePath.legacyIndexes == "meta/1.0")
    }
}
