// SPDX-License-Identifier: Apache-2.0

import Definition
package import Model

/// Refuses, before anything is done, what a definition may say but this version cannot do: nothing is skipped silently.
package enum Preflight {
    private static let generators: Set<Generator> = [
        .dump, .copy, .template, .hostname, .hosts, .remove, .cloudInit,
    ]
    private static let variants: Set<String> = ["", "minbase", "buildd"]

    /// Checks everything that a container build by this definition would use.
    ///
    /// - Throws: `DEFINITION` with the place of the first thing that cannot be done.
    package static func check(_ options: BuildOptions) throws(RootcellarError) {
        let resolved = options.definition
        let mode = options.mode
        let definition = resolved.definition
        let source = definition.source
        if options.origin == .source {
            guard RootSources.downloaders.contains(source.downloader) else {
                throw refused("downloader '\(source.downloader.rawValue)'", source.downloaderPosition)
            }
            if source.downloader == .debootstrap, !variants.contains(source.variant) {
                throw refused("source.variant '\(source.variant)'", source.position)
            }
            if source.downloader == .debootstrap { _ = try Keyring.blocks(options) }
        }
        for set in resolved.earlySets() where set.action == .remove {
            throw refused("removing packages early", set.position)
        }
        for file in resolved.applicable(definition.files, in: .files, mode: mode) {
            guard generators.contains(file.generator) else {
                let reason =
                    file.generator == .fstab || file.generator == .incusAgent
                    ? "is for virtual machines" : "cannot be executed yet"
                throw RootcellarError(
                    .definition,
                    "generator '\(file.generator.rawValue)' \(reason)",
                    subject: "\(file.position)",
                    hint: reason.hasPrefix("is") ? "give the item 'types: [vm]'" : nil
                )
            }
        }
        for trigger in ActionTrigger.allCases {
            for action in try resolved.actions(trigger, mode) where !action.action.text.hasPrefix("#!") {
                throw RootcellarError(
                    .definition,
                    "a script must begin with '#!'",
                    subject: "\(action.position)",
                    hint: "name its interpreter, as in '#!/bin/sh'"
                )
            }
        }
    }

    private static func refused(_ what: String, _ position: SourcePosition) -> RootcellarError {
        RootcellarError(.definition, "\(what) cannot be executed yet", subject: "\(position)")
    }
}
