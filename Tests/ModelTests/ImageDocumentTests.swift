// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@Suite("An image document")
struct ImageDocumentTests {
    @Test("finds a file whose blocks fit its size, and nothing else: BINDING")
    func files() throws {
        var image = try Samples.image()
        #expect(try image.file("rootfs.tar.zst", subject: "x").blocks?.count == 3)
        #expect(try image.file("rootfs.tar.xz", subject: "x").reference == Samples.reference)
        #expect(errorClass { _ = try image.file("rootfs.tar", subject: "x") } == .binding)
        for (size, blocks) in [(-1, 0), (0, 1), (1, 0), (1 << 20, 2), ((1 << 20) + 1, 1), (3 << 20, 4)] {
            image.files["f"] = .init(
                size: size,
                sha256: Samples.digest,
                blocks: Array(repeating: Samples.digest, count: blocks)
            )
            #expect(errorClass { _ = try image.file("f", subject: "x") } == .binding, "\(size) \(blocks)")
        }
        for (size, blocks) in [(0, 0), (1, 1), (1 << 20, 1), ((1 << 20) + 1, 2), (3 << 20, 3)] {
            image.files["f"] = .init(
                size: size,
                sha256: Samples.digest,
                blocks: Array(repeating: Samples.digest, count: blocks)
            )
            #expect(try image.file("f", subject: "x").size == size)
        }
    }

    @Test("has a checked name: POLICY for a part that is none")
    func name() throws {
        var image = try Samples.image()
        #expect(try image.name() == Samples.name())
        image.release = "../x"
        #expect(errorClass { _ = try image.name() } == .policy)
    }

    @Test("with a file of a size near the largest number is BINDING")
    func hugeFile() async {
        await #expect(processExitsWith: .success) {
            var image = try Samples.image()
            image.files["f"] = .init(size: .max, sha256: Samples.digest, blocks: [])
            #expect(errorClass { _ = try image.file("f", subject: "x") } == .binding)
        }
    }
}
