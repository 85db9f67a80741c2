// SPDX-License-Identifier: Apache-2.0

/// Which part of the work a run does; decides which items apply.
package enum BuildMode: Hashable, Sendable {
    /// `build-dir`: a root directory for several packs. Items with types wait for those.
    case directory
    /// `build`, `build-lxc`, `build-incus`: everything, once.
    case build(TargetType)
    /// `pack-lxc`, `pack-incus`: on top of what `build-dir` made. Its untyped steps have been done there.
    case pack(TargetType)

    /// What is being built. A root directory counts as a container's.
    package var target: TargetType {
        switch self {
        case .directory: .container
        case .build(let type), .pack(let type): type
        }
    }

    /// Which items `place` takes in this mode.
    package func accepted(in place: ItemPlace) -> AcceptedTypes {
        switch place {
        case .early: return .untyped
        case .environment, .lxcConfig: return [.untyped, .both, .only(target)]
        case .steps, .files:
            switch self {
            case .directory: return .untyped
            case .build: return [.untyped, .both, .only(target)]
            case .pack: return place == .steps ? [.both, .only(target)] : [.untyped, .both, .only(target)]
            }
        }
    }
}

/// The places where filtered items are used.
package enum ItemPlace: Hashable, Sendable, CaseIterable {
    /// Repositories, package sets, and the actions post-unpack, post-update and post-packages.
    case steps
    /// Generators and the actions post-files.
    case files
    /// `targets.lxc.config`.
    case lxcConfig
    /// `environment.variables`.
    case environment
    /// Early package sets, handed to the bootstrap itself.
    case early
}
