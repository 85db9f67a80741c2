// SPDX-License-Identifier: Apache-2.0

import Client
import Testing

@Suite("The user namespace")
struct UserNamespaceTests {
    private static let host = "         0          0 4294967295\n"

    @Test(
        "is told by its map",
        arguments: [
            ("root without a map", host, host, UserNamespace.Kind.none),
            ("root with an idmap", "0 200000 65536\n65536 0 1\n", host, .root),
            ("a user by lxc-usernsexec", "0 100000 65536\n65536 1001 1\n", host, .user),
            ("root inside a container", "0 100000 65536\n", "0 100000 65536\n", .root),
            ("unshare -Ur as root", "0 0 1\n", host, .root),
            ("unshare -Ur as a user", "0 1001 1\n", host, .user),
            ("a map of the host's first ids", "0 0 65536\n", host, .user),
        ]
    )
    func kinds(_ name: String, _ own: String, _ first: String, _ kind: UserNamespace.Kind) {
        #expect(UserNamespace(ownMap: own, initMap: first).kind == kind, "\(name)")
    }

    @Test("is none where the kernel has none, and the first process may be hidden")
    func missing() {
        #expect(UserNamespace(ownMap: nil, initMap: nil).kind == .none)
        #expect(UserNamespace(ownMap: "0 100000 65536\n", initMap: nil).kind == .user)
    }
}
