// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@Suite("A role")
struct RoleTests {
    @Test("signs one kind of file")
    func signing() {
        #expect(Role(signing: .root) == .root)
        #expect(Role(signing: .manifest) == .release)
        #expect(Role(signing: .pointer) == .freshness)
    }
}
