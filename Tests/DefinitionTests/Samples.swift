// SPDX-License-Identifier: Apache-2.0

import Definition
import FoundationEssentials
import Model

/// Texts and shortcuts that several tests use.
enum Samples {
    /// 2026-01-02T03:04:05Z
    static let now = Timestamp(seconds: 1_767_323_045)

    /// The least that is a definition.
    static let minimal = """
        image:
          distribution: debian
        source:
          downloader: debootstrap
        packages:
          manager: apt

        """

    /// Loads `text` as `f.yaml` on an amd64 machine.
    static func load(
        _ text: String,
        _ overrides: [String] = []
    ) throws(RootcellarError) -> (definition: ResolvedDefinition, warnings: [String]) {
        try DefinitionFile.load(
            text: text,
            path: "f.yaml",
            overrides: overrides,
            hostArchitecture: "x86_64",
            now: now
        )
    }

    /// What loading `text` is refused with; nil if it is accepted.
    static func refusal(_ text: String, _ overrides: [String] = []) -> RootcellarError? {
        do throws(RootcellarError) {
            _ = try load(text, overrides)
            return nil
        } catch { return error }
    }

    /// `f.yaml:line:column` of the first `needle` in `text`.
    static func place(of needle: String, in text: String) -> String {
        guard let range = text.firstRange(of: needle) else { return "not in the text" }
        let before = text[..<range.lowerBound]
        let column = before.reversed().prefix { $0 != "\n" }.count + 1
        return "f.yaml:\(before.count { $0 == "\n" } + 1):\(column)"
    }

    /// A file of this repository.
    static func repositoryFile(_ path: String) throws -> String {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        return try String(contentsOfFile: "/\(root)/\(path)", encoding: .utf8)
    }

    /// Every key of the format, each with a value that is not its default.
    static let complete = """
        image:
          distribution: demo
          description: Demo {{ image.release }}
          release: 3.10
          architecture: arm64
          architecture_mapped: ignored
          architecture_kernel: ignored
          architecture_personality: ignored
          variant: tiny
          expiry: 1w 3d
          serial: 20260102_0304
          name: demo-{{ image.serial }}
        source:
          downloader: rpmbootstrap
          url: "https://mirror.invalid/{{ image.architecture_mapped }}"
          keys:
            - 0x0123
            - |
              block {{ image.release }}
          keyserver: keys.invalid
          variant: minbase
          suite: stable
          same_as: 12
          skip_verification: yes
          components:
            - main
            - extra-{{ image.release }}
        targets:
          type: container
          lxc:
            create_message: |
              You made {{ image.description }}.
            config:
              - type: all
                before: 5
                after: 0x1
                content: lxc.arch = {{ image.architecture_personality }}
                types: [container]
          incus:
            vm:
              size: 8589934592
              filesystem: btrfs
        files:
          - generator: dump
            path: /etc/{{ image.variant }}
            content: "{{ image.release }}"
            source: /src
            name: label
            mode: 0600
            uid: 010
            gid: 20
            templated: on
            pongo: true
            template:
              properties:
                default: no
              when: [create, rename]
            releases:
              - 3.10
            architectures: [aarch64]
            variants:
              - tiny
            types:
              - container
              - vm
          - generator: incus-agent
            types: [vm]
        packages:
          custom_manager:
            clean: {cmd: pm, flags: [clean]}
            install: {cmd: pm, flags: [install]}
            remove: {cmd: pm, flags: [remove]}
            refresh: {cmd: pm, flags: [refresh]}
            update: {cmd: pm, flags: [update]}
            flags: [--yes]
          update: true
          cleanup: on
          sets:
            - packages: [a, 1.0]
              action: remove
              early: y
              flags: [--purge]
          repositories:
            - name: extra
              url: https://mirror.invalid/{{ image.release }}
              key: k-{{ image.release }}
              type: zypper
        actions:
          - trigger: post-files
            action: |-
              #!/bin/sh
              echo {{ image.release }}
            pongo: true
        mappings:
          architectures:
            arm64: aarch64
        environment:
          clear_defaults: true
          variables:
            - key: A
              value: 1
              variants: [tiny]
        simplestream:
          distro_name: Demo
          release_aliases:
            3.10: old,older
          requirements:
            - requirements:
                secureboot: false
              releases: [3.10]

        """
}
