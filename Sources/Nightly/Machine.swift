// SPDX-License-Identifier: Apache-2.0

import Model

/// What a machine can be asked to build.
package struct Machine: Hashable, Sendable {
    /// Debian's names of architectures.
    package var architectures: Set<String>
    /// Its labels.
    package var labels: Set<String>

    /// A machine.
    package init(architectures: Set<String>, labels: Set<String>) {
        self.architectures = architectures
        self.labels = labels
    }

    /// Whether an image may be built here: it has the architecture, and all the labels that are asked for.
    package func takes(_ image: CatalogImage) -> Bool {
        architectures.contains(image.name.architecture) && labels.isSuperset(of: image.labels)
    }
}
