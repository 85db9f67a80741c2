// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Nightly
import SystemPackage

/// How nightly runs do their work: what each of their commands is told.
struct NightlySettings {
    /// Where images go.
    enum Target {
        case tree(String, keys: String, passphraseFile: String?)
        /// To whoever has the keys, by these words of `rootcellar publish`.
        case server([String])
    }

    /// The own program.
    var program: FilePath
    var target: Target
    /// Encoder threads of a build.
    var threads: Int?
    /// Where packages are kept between builds.
    var cache: String?
    /// In which ways an image is booted; all without.
    var trials: [String]
    /// How many seconds one may take to boot.
    var bootSeconds: Int?
    /// From how many published builds patches are made.
    var deltas: Int?
    var allowsTaints: Bool
    /// Seconds after which a step is given up.
    var stepSeconds: Int
    /// How many images are worked on side by side.
    var jobs: Int

    /// The words of a step of one image.
    func words(_ step: NightlyState.Step, of row: BuildPlan.Row, output: FilePath, isForced: Bool) -> [String] {
        switch step {
        case .build:
            ["build"] + row.image.buildWords(output: output.string) + (isForced ? ["--force"] : [])
                + (threads.map { ["--threads", "\($0)"] } ?? []) + (cache.map { ["--cache", $0] } ?? [])
        case .test:
            ["test", output.string, "--quiet"] + trials.flatMap { ["--only", $0] }
                + (bootSeconds.map { ["--timeout", "\($0)"] } ?? [])
        case .publish:
            ["publish", output.string] + place + (deltas.map { ["--deltas", "\($0)"] } ?? [])
                + (allowsTaints ? ["--allow-tainted"] : [])
        }
    }

    /// The words that take old builds of images with the same limits away.
    func pruning(_ images: [CatalogImage]) -> [String] {
        guard let retention = images.first?.retention else { return [] }
        return ["repo", "prune"] + place + (retention.count.map { ["--keep", "\($0)"] } ?? [])
            + (retention.days.map { ["--older-than", "\($0)"] } ?? [])
            + (retention.isUnlimited ? [] : images.flatMap { ["--image", $0.name.path] })
    }

    /// The words that sign what is published once more.
    var refreshing: [String] { ["repo", "refresh"] + place }

    /// Whether the tree is this run's to keep.
    var ownsTree: Bool {
        if case .tree = target { true } else { false }
    }

    private var place: [String] {
        switch target {
        case .tree(let tree, let keys, let passphrase):
            ["--repo", tree, "--keys", keys] + (passphrase.map { ["--passphrase-file", $0] } ?? [])
        case .server(let words): words
        }
    }
}
