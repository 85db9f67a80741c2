// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Nightly

/// What people write: definitions, catalogues and settings; and what nightly runs remember.
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

    static let catalogs = [
        """
        defaults: {schedule: {every: 7d, at: 04:30}, labels: [big], retention: {keep: 3, days: 9}}
        images:
        - definition: a.yaml
          releases: [3.10, b]
          architectures: [amd64, arm64]
          variants: [default, cloud]
          options: [source.variant=x]
          exclude:
          - releases: [b]
            variants: [cloud]
        """,
        "images:\n- {definition: a, architectures: [x86_64], schedule: {every: 1h}}\n",
    ].map { Array($0.utf8) }

    static func catalog(_ bytes: [UInt8]) {
        do throws(RootcellarError) {
            let catalog = try BuildCatalogFile.load(text: text(bytes), path: "fuzz.yaml")
            for group in catalog.groups {
                precondition(!group.combinations.isEmpty, "a group is of images")
                let last = Timestamp(seconds: 1_700_000_000)
                precondition(group.schedule.next(after: last) > last, "a schedule goes on")
            }
            // Each image is a definition that is read, which is tried elsewhere.
            guard catalog.groups.reduce(0, { $0 + $1.combinations.count }) < 64 else { return }
            let seed = Array("image: {distribution: a}\nsource: {downloader: busybox}\npackages: {manager: apt}\n".utf8)
            _ = try BuildMatrix(catalog, directory: "d", now: Timestamp(seconds: 1_700_000_000)) {
                _ throws(RootcellarError) in seed
            }
        } catch {
            precondition(error.errorClass == .definition, "a refused catalogue is DEFINITION: \(error)")
        }
    }

    static let attempts = [
        #"{"format":1,"images":{"a/b/c/d":{"began":"2026-01-02T03:04:05Z","failures":2,"inputs":{"definition":""#
            + String(repeating: "0", count: 64) + #"","options":["a=b"]},"outcome":"failed","serial":"20260102_03:04","#
            + #""failure":{"errorClass":"BUILD","reason":"r","step":"test"}}}}"#
    ].map { Array($0.utf8) }

    static func attempts(_ bytes: [UInt8]) {
        do throws(RootcellarError) {
            let state = try NightlyState(verified: bytes, subject: "fuzz.json")
            let again = try NightlyState(verified: try state.canonicalBytes(), subject: "fuzz.json")
            precondition(again.images == state.images, "what is written is read back")
        } catch {
            precondition([.binding, .policy].contains(error.errorClass), "a refused state is BINDING: \(error)")
        }
    }

    static let settings = ["server = a.example\n# x\nmirror.debian = https://m.example/debian\n", "sever = x\n"]
        .map { Array($0.utf8) }

    static func settings(_ bytes: [UInt8]) {
        var configuration = Configuration()
        try? configuration.add(text(bytes), path: "fuzz.conf")
    }
}
