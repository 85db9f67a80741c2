// SPDX-License-Identifier: Apache-2.0

package import Model

/// What decides about an image on our side: the definition and what is overridden in it. `image.json` names both, so that a
/// build can be compared with what would be built now.
package struct BuildInputs: Hashable, Sendable, Codable {
    /// Of the definition's bytes.
    package var definition: SHA256Digest
    /// Overrides `key=value`, in order, but for those that only say which image and which build it is.
    package var options: [String]

    private static let identity = ["image.release=", "image.architecture=", "image.variant=", "image.serial="]

    /// The inputs of a build by these.
    package init(definition: SHA256Digest, overrides: [String]) {
        self.definition = definition
        options = overrides.filter { option in !Self.identity.contains { option.hasPrefix($0) } }
    }

    /// The inputs that an image document tells of; nil if it does not.
    package init?(recorded inputs: [String: String]) {
        guard let text = inputs["definition.sha256"], let definition = SHA256Digest(hex: text) else { return nil }
        var overrides: [String] = []
        while let next = inputs["override.\(overrides.count + 1)"] { overrides.append(next) }
        self.init(definition: definition, overrides: overrides)
    }
}
