// SPDX-License-Identifier: Apache-2.0

/// What writes or removes files in the image: every name that `files[].generator` may have.
package enum Generator: String, Sendable, Hashable, CaseIterable {
    case cloudInit = "cloud-init"
    case copy
    case dump
    case fstab
    case hostname
    case hosts
    /// Also written `lxd-agent`.
    case incusAgent = "incus-agent"
    case remove
    case template

    /// What LXD's image builder calls the same generator.
    static let otherNames: [String: Generator] = ["lxd-agent": .incusAgent]
}
