// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@testable import Builder

@Suite("Metadata of images")
struct MetadataTests {
    @Test("LXC's members come in the order that its template reads, each ending with a line feed")
    func lxc() {
        let metadata = LXCMetadata(
            createMessage: "",
            expiry: Timestamp(seconds: 1_800_000_000),
            config: [
                "config-user": "u", "config.1": "1\n", "config": "c\n", "config-user.4": "u4\n", "config.4": "4\n",
                "config-user.1": "u1\n",
            ],
            templates: ["/etc/hostname", "/etc/hosts"]
        )
        #expect(
            metadata.members.map(\.name) == [
                "create-message", "expiry", "excludes-user", "config", "config-user", "config-user.1", "config-user.4",
                "config.1", "config.4", "templates",
            ]
        )
        #expect(metadata.members.allSatisfy { $0.text.hasSuffix("\n") })
        #expect(metadata.members[0].text == "\n")
        #expect(metadata.members[1].text == "1800000000\n")
        #expect(metadata.members.last?.text == "/etc/hostname\n/etc/hosts\n")
        let bare = LXCMetadata(createMessage: "hello", expiry: Timestamp(seconds: 0), config: [:], templates: [])
        #expect(bare.members.map(\.name) == ["create-message", "expiry", "excludes-user"])
        #expect(bare.members[0].text == "hello\n")
    }

    @Test("metadata.yaml of Incus has its keys in order and quotes every text")
    func incus() {
        var templates = ImageTemplates()
        templates.addIncus("/etc/hosts", file: "hosts.tpl", text: "x", properties: ["default": "#cloud-config\n{}"])
        let metadata = IncusMetadata(
            architecture: "amd64",
            created: Timestamp(seconds: 5),
            expiry: Timestamp(seconds: 9),
            properties: ["os": "debian", "release": "3.10", "description": "a \"b\" \\ c"],
            templates: templates
        )
        #expect(
            metadata.yaml == """
                architecture: "amd64"
                creation_date: 5
                expiry_date: 9
                properties:
                  "description": "a \\"b\\" \\\\ c"
                  "os": "debian"
                  "release": "3.10"
                templates:
                  "/etc/hosts":
                    when:
                    - "create"
                    - "copy"
                    create_only: false
                    template: "hosts.tpl"
                    properties:
                      "default": "#cloud-config\\n{}"

                """
        )
        let bare = IncusMetadata(
            architecture: "amd64",
            created: Timestamp(seconds: 5),
            expiry: Timestamp(seconds: 9),
            properties: [:],
            templates: ImageTemplates()
        )
        #expect(bare.yaml.hasSuffix("properties: {}\ntemplates: {}\n"))
    }

    @Test("a serial is the first second of its minute")
    func serial() throws {
        #expect(try Serial("20260801_05:24").timestamp.description == "2026-08-01T05:24:00Z")
    }
}
