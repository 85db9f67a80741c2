// SPDX-License-Identifier: Apache-2.0

import Model

/// Which images of another tree are wanted.
package struct MirrorFilter: Sendable, Hashable {
    /// Names that are wanted; any if empty.
    package var distributions: Set<String> = []
    package var releases: Set<String> = []
    package var architectures: Set<String> = []
    package var variants: Set<String> = []
    /// How many of the newest good builds of an image; all if nil.
    package var serials: Int?

    /// Everything.
    package init() {}

    /// Whether all is wanted.
    package var isEmpty: Bool { self == MirrorFilter() }

    func accepts(distribution: String) -> Bool { distributions.isEmpty || distributions.contains(distribution) }

    func accepts(_ name: ImageName) -> Bool {
        accepts(distribution: name.distribution) && (releases.isEmpty || releases.contains(name.release))
            && (architectures.isEmpty || architectures.contains(name.architecture))
            && (variants.isEmpty || variants.contains(name.variant))
    }
}
