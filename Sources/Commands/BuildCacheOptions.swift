// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Builder
import ClientCommands
import Model
import SystemPackage

/// Where a build keeps what the next one can use.
struct BuildCacheOptions: ParsableArguments {
    @Option(help: "The directory in which packages and first roots are kept, instead of the usual one.")
    var cache: String?
    @Flag(help: "Keep nothing between builds, and use nothing that was kept.") var noCache = false

    func validate() throws {
        if noCache, cache != nil { throw ValidationError("--cache and --no-cache contradict each other") }
    }

    /// The cache; nil if nothing is kept. To be called in the namespaces of a build.
    func open() throws(RootcellarError) -> BuildCache? {
        if noCache { return nil }
        return try cache.map { path throws(RootcellarError) in try BuildCache(FilePath(path)) } ?? Self.usual()
    }

    /// The usual cache, if it can be used; a build that was not told to keep something goes on without.
    static func usual() -> BuildCache? {
        guard let path = BuildCache.standardPath() else { return nil }
        do throws(RootcellarError) {
            return try BuildCache(path)
        } catch {
            tell("rootcellar: warning: nothing is kept for the next build: \(error.description)")
            return nil
        }
    }
}
