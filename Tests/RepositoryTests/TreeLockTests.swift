// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport
import Testing

@testable import Repository

@Suite("The lock of a tree", .scratchDirectory)
struct TreeLockTests {
    @Test("is free at once when it is given up, whoever still has its descriptor")
    func descriptor() throws {
        let workshop = try Workshop()
        let layout = TreeLayout(top: workshop.tree)
        var lock: TreeLock? = try TreeLock(layout, waiting: 0)
        #expect(failure { _ = try TreeLock(layout, waiting: 0) }?.reason.contains("another publisher") == true)
        // What a fork leaves in a child.
        let copy = try #require(lock).file.duplicate()
        defer { try? copy.close() }
        lock = nil
        #expect(failure { _ = try TreeLock(layout, waiting: 0) }?.description == nil)
    }
}
