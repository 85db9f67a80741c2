// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// Where things are in the cache. Objects are named by their hash and never change; everything that says which object
/// is current is a small file replaced by rename.
package struct CacheLayout: Sendable {
    /// The directory that holds caches: ours, and that of the stock template beside it.
    package let base: FilePath
    /// `<base>/rootcellar`.
    package let root: FilePath
    /// The base of another cache, which is read and never written; nil for none.
    package var shared: FilePath?
    /// How long to wait for another process, in seconds.
    package var patience = 3600

    /// A cache in the directory `base`.
    package init(base: FilePath) {
        self.base = base
        root = base.appending("rootcellar")
    }

    /// The cache that LXC's contract and the configuration name: LXC_CACHE_PATH, then `cache` of the configuration,
    /// then the machine's or the user's own. An ordinary user reads the machine's cache as well.
    ///
    /// - Throws: `CACHE` if it is the user's own and there is no home directory.
    package init(_ surroundings: Surroundings, _ configuration: Configuration) throws(RootcellarError) {
        if let path = surroundings.environment["LXC_CACHE_PATH"], !path.isEmpty {
            self.init(base: FilePath(path))
        } else if let path = configuration.cache {
            self.init(base: FilePath(path))
        } else if !surroundings.namespace.usesUserCache, surroundings.userID == 0 {
            self.init(base: Self.machine)
        } else if let home = surroundings.home {
            self.init(base: home.appending(".cache/lxc"))
            shared = Self.machine
        } else {
            throw RootcellarError(.cache, "no place for a cache", hint: "set HOME or LXC_CACHE_PATH")
        }
        if let path = configuration.sharedCache { shared = FilePath(path) }
        if let seconds = configuration.lockWait { patience = seconds }
    }

    /// The machine's own cache.
    private static let machine = FilePath("/var/cache/lxc")

    /// `<base>/rootcellar` of the cache that is only read.
    package var sharedRoot: FilePath? { shared?.appending("rootcellar") }

    /// A whole, verified object.
    package func object(_ digest: SHA256Digest) -> FilePath { root.appending(Self.object(digest)) }

    /// The same object in the cache that is only read.
    package func sharedObject(_ digest: SHA256Digest) -> FilePath? { sharedRoot?.appending(Self.object(digest)) }

    private static func object(_ digest: SHA256Digest) -> String { "objects/sha256/\(digest)" }

    /// The directory of the objects.
    package var objects: FilePath { root.appending("objects/sha256") }

    /// The part of an object that has arrived so far; only ever used by the holder of the object's lock.
    package func partial(_ digest: SHA256Digest) -> FilePath { partials.appending("\(digest)") }

    /// The directory of the parts.
    package var partials: FilePath { root.appending("objects/partial") }

    /// The directory of unpacked trees.
    package var trees: FilePath { root.appending("trees") }

    /// The unpacked tree of a tar, and what is known of it.
    package func tree(_ digest: SHA256Digest) -> FilePath { trees.appending("\(digest)") }
    package func treeRecord(_ digest: SHA256Digest) -> FilePath { trees.appending("\(digest).json") }

    /// The directory of the locks.
    package var locks: FilePath { root.appending("locks") }

    /// Where small files are written before they are renamed to where they belong.
    package var temporaries: FilePath { root.appending("tmp") }

    /// What is remembered of a server.
    package func server(_ id: String) -> FilePath { root.appending("servers/\(id).json") }

    /// A pointer that contradicts the one in the state: proof that the server has signed both.
    package func evidence(_ id: String) -> FilePath { root.appending("servers/\(id).contradiction") }

    /// The build of an image that was last used.
    package func image(_ name: ImageName) -> FilePath { root.appending("images/\(name.path).json") }

    /// The build of an image that is kept whatever comes.
    package func pin(_ name: ImageName) -> FilePath { root.appending("pins/\(name.path).json") }

    /// A lock by name.
    package func lock(_ name: String) -> FilePath { locks.appending(name) }

    /// The lock of everything that writes or removes an object.
    package func lock(of digest: SHA256Digest) -> FilePath { lock("object-\(digest)") }

    /// The directories that there may be, each before those in it.
    static let directories = [
        "objects", "objects/sha256", "objects/partial", "tmp", "servers", "images", "pins", "locks", "trees",
    ]
}
