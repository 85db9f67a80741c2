// SPDX-License-Identifier: Apache-2.0

import SystemPackage

/// In what kind of user namespace the template runs, by the rules that LXC's own templates follow, so that the same
/// metadata and the same cache are chosen.
package struct UserNamespace: Sendable, Equatable {
    /// Where we are.
    package enum Kind: Sendable, Equatable {
        /// No namespace: the machine's own ids.
        case none
        /// A namespace of root: of a root that idmaps a container, or inside a container.
        case root
        /// A namespace of an ordinary user.
        case user
    }

    package var kind: Kind

    /// A namespace of a kind.
    package init(kind: Kind) { self.kind = kind }

    /// Decides by `/proc/self/uid_map` and, where it can be read, `/proc/1/uid_map`.
    ///
    /// All ids mapped to themselves: none. A single id mapped to the host's root: root idmaps a container. The same map
    /// as process 1: we are inside a container that is no namespace of ours. Anything else: a user's namespace.
    package init(ownMap: String?, initMap: String?) {
        guard let ownMap else {
            kind = .none
            return
        }
        let own = Self.rows(ownMap)
        if own.contains([0, 0, 4_294_967_295]) {
            kind = .none
        } else if own.contains(where: { $0.suffix(2) == [0, 1] }) {
            kind = .root
        } else if let initMap, Self.rows(initMap) == own {
            kind = .root
        } else {
            kind = .user
        }
    }

    /// That of this process.
    package static func current() -> UserNamespace {
        UserNamespace(ownMap: readSmallFile("/proc/self/uid_map"), initMap: readSmallFile("/proc/1/uid_map"))
    }

    /// Whether images' metadata for unprivileged containers applies.
    package var usesUserMetadata: Bool { kind != .none }

    /// Whether the cache is the calling user's own and not the machine's.
    package var usesUserCache: Bool { kind == .user }

    private static func rows(_ map: String) -> [[Int]] {
        map.split(whereSeparator: \.isNewline).map { $0.split(whereSeparator: \.isWhitespace).compactMap { Int($0) } }
    }
}

/// The text of a small file, or nil if it cannot be read.
func readSmallFile(_ path: FilePath) -> String? {
    guard let file = try? FileDescriptor.open(path, .readOnly, options: [.closeOnExec]) else { return nil }
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    var length = 0
    while length < bytes.count {
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            (try? unsafe file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[length...]))) ?? 0
        }
        if count == 0 { break }
        length += count
    }
    return String(decoding: bytes.prefix(length), as: UTF8.self)
}
