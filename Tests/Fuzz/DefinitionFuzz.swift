// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// What people write: definitions and settings.
enum DefinitionFuzz {
    static let definitions = [
        """
        image:
          distribution: debian
          release: &r bookworm
        source:
          downloader: debootstrap
        targets:
          lxc:
            config:
            - type: all
              after: 4
              content: "{{ image.description|upper }}"
        files:
        - generator: dump
          path: /etc/x
          content: |-
            {% if image.variant == "default" %}a{% endif %}
        packages:
          manager: apt
          sets:
          - packages: [a, b]
            action: install
        """,
        "a: &a [*a, {b: !!str 1}]\n---\n...", "? [x]\n: - y\n  - |2\n   z\n",
    ].map { Array($0.utf8) }

    static func definition(_ bytes: [UInt8]) {
        do throws(RootcellarError) {
            _ = try DefinitionFile.load(
                text: text(bytes),
                path: "fuzz.yaml",
                hostArchitecture: "x86_64",
                now: Timestamp(seconds: 1_700_000_000)
            )
        } catch {
            precondition(error.errorClass == .definition, "a refused definition is DEFINITION: \(error)")
        }
    }

    static let settings = ["server = a.example\n# x\nmirror.debian = https://m.example/debian\n", "sever = x\n"]
        .map { Array($0.utf8) }

    static func settings(_ bytes: [UInt8]) {
        var configuration = Configuration()
        try? configuration.add(text(bytes), path: "fuzz.conf")
    }
}
