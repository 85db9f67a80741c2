// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// Where things are in the cache. Objects are named by their hash and never change; everything that says which object
/// is current is a small file replaced by rename.
package struct CacheLayout: Sendable {
    /// `<base>/rootcellar`.
    package let root: FilePath

    /// A cache in the directory `base`.
    package init(base: FilePath) { root = base.appending("rootcellar") }

    /// The cache that LXC's contract and the configuration name: LXC_CACHE_PATH, then `cache` of the configuration,
    /// then the machine's or the user's own.
    ///
    /// - Throws: `CACHE` if it is the user's own and there is no home directory.
    package init(_ surroundings: Surroundings, _ configuration: Configuration) throws(RootcellarError) {
        if let path = surroundings.environment["LXC_CACHE_PATH"], !path.isEmpty {
            self.init(base: FilePath(path))
        } else if let path = configuration.cache {
            self.init(base: FilePath(path))
        } else if !surroundings.namespace.usesUserCache, surroundings.userID == 0 {
            self.init(base: "/var/cache/lxc")
        } else if let home = surroundings.home {
            self.init(base: home.appending(".cache/lxc"))
        } else {
            throw RootcellarError(.cache, "no place for a cache", hint: "set HOME or LXC_CACHE_PATH")
        }
    }

    /// A whole, verified object.
    package func object(_ digest: SHA256Digest) -> FilePath { root.appending("objects/sha256/\(digest)") }

    /// The part of an object that has arrived so far; only ever used by the holder of the object's lock.
    package func partial(_ digest: SHA256Digest) -> FilePath { root.appending("objects/partial/\(digest)") }

    /// The directory of the parts.
    package var partials: FilePath { root.appending("objects/partial") }

    /// What is remembered of a server.
    package func server(_ id: String) -> FilePath { root.appending("servers/\(id).json") }

    /// The build of an image that was last used.
    package func image(_ name: ImageName) -> FilePath { root.appending("images/\(name.path).json") }

    /// A lock by name.
    package func lock(_ name: String) -> FilePath { root.appending("locks/\(name)") }
}
