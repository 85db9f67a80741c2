// SPDX-License-Identifier: Apache-2.0

/// What is built, how often, and where: a `catalog.yaml`.
package struct BuildCatalog: Hashable, Sendable {
    /// Groups of images with one definition, in order.
    package var groups: [Group]

    /// The images of one definition: each release for each architecture in each variant, but for what is excluded.
    package struct Group: Hashable, Sendable {
        /// Where it begins.
        package var position: SourcePosition
        /// The definition's path, relative to the catalogue's directory.
        package var definition: SourceText
        /// Names of releases; without any, the definition's own.
        package var releases: [SourceText]
        /// Names of architectures, in any of the accepted ways.
        package var architectures: [SourceText]
        /// Names of variants.
        package var variants: [SourceText]
        /// What is overridden in the definition beside these, `key=value` each.
        package var options: [SourceText]
        /// What is not built.
        package var exclusions: [Exclusion]
        /// How often.
        package var schedule: BuildSchedule
        /// What a machine must be labelled with, all of them, beside having the architecture.
        package var labels: [String]
        /// Which builds stay published.
        package var retention: BuildRetention

        /// Every image, in the order of releases, architectures and variants.
        package var combinations: [Combination] {
            let releases: [SourceText?] = self.releases.isEmpty ? [nil] : self.releases
            return releases.flatMap { release in
                architectures.flatMap { architecture in
                    variants.map {
                        Combination(release: release?.text, architecture: architecture.text, variant: $0.text)
                    }
                }
            }.filter { combination in !exclusions.contains { $0.matches(combination) } }
        }
    }

    /// One image of a group.
    package struct Combination: Hashable, Sendable {
        /// The release as the catalogue writes it; nil for the definition's own.
        package var release: String?
        package var architecture: String
        package var variant: String

        /// The overrides that make the definition one of this image.
        package var overrides: [String] {
            (release.map { ["image.release=\($0)"] } ?? [])
                + ["image.architecture=\(architecture)", "image.variant=\(variant)"]
        }
    }

    /// Images that are not built: those that match every list which is there.
    package struct Exclusion: Hashable, Sendable {
        var releases: [String]
        var architectures: [String]
        var variants: [String]

        func matches(_ image: Combination) -> Bool {
            (releases.isEmpty || image.release.map(releases.contains) == true)
                && (architectures.isEmpty || architectures.contains(image.architecture))
                && (variants.isEmpty || variants.contains(image.variant))
        }
    }
}

/// Which builds of an image stay published; without limits, all of them.
package struct BuildRetention: Hashable, Sendable {
    /// How many good ones.
    package var count: Int?
    /// For how many days; where both are given, a build goes only if it is beyond both.
    package var days: Int?

    /// Whether there is no limit.
    package var isUnlimited: Bool { count == nil && days == nil }
}
