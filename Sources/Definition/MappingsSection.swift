// SPDX-License-Identifier: Apache-2.0

/// `mappings`: how the distribution names architectures.
package struct MappingsSection: Hashable, Sendable {
    /// A known map, or nil.
    package var architectureMap: ArchitectureMap?
    /// Names by the name in `image.architecture`; used without a known map.
    package var architectures: [String: String] = [:]
}
