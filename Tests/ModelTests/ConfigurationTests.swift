// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@Suite("The configuration")
struct ConfigurationTests {
    @Test("takes the later file's values and keeps the others")
    func files() throws {
        var configuration = Configuration()
        try configuration.add("server = one.example\ncache = /a\nmirror.debian = https://m/1\n", path: "system")
        try configuration.add(
            "server = two.example\nproxy = http://p\nmirror.alpine = https://m/2\nmirror-key.debian = /k\n",
            path: "user"
        )
        #expect(
            configuration.server == "two.example" && configuration.cache == "/a" && configuration.proxy == "http://p"
        )
        #expect(configuration.mirrors == ["debian": "https://m/1", "alpine": "https://m/2"])
        #expect(configuration.mirrorKeys == ["debian": "/k"])
    }

    @Test(
        "has no other keys: POLICY with file and line",
        arguments: [
            "sever = x", "mirror = x", "mirror. = x", "mirror.Debian = x", "mirror.a/b = x", "no-validate = true",
            "mirror-key = x", "mirror-key. = x", "mirror-key.a/b = x", "mirror-keys.debian = x",
        ]
    )
    func refused(_ text: String) {
        var configuration = Configuration()
        let error = #expect(throws: RootcellarError.self) { try configuration.add("\n" + text, path: "/etc/x") }
        #expect(error?.errorClass == .policy && error?.subject == "/etc/x:2")
        #expect(configuration == Configuration())
    }
}
