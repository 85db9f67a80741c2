// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SystemPackage
package import TestSupport

/// A container host: its own configuration, cache and home, so that nothing of the machine is touched.
package struct ClientHost: Sendable {
    package let top: FilePath
    package var configuration: FilePath { top.appending("etc") }
    package var home: FilePath { top.appending("home") }
    package var base: FilePath { top.appending("cache") }
    package var cache: FilePath { base.appending("rootcellar") }
    package var environment: [String: String] {
        [
            "HOME": home.string, "ROOTCELLAR_ETC": configuration.string, "LXC_CACHE_PATH": base.string,
            "LC_ALL": "C.UTF-8",
        ]
    }

    /// A new host.
    package init(_ name: String = "host") throws {
        top = ScratchDirectory.path.appending(name)
        for directory in [top.appending("etc"), top.appending("home")] { try makeDirectory(directory) }
    }

    /// Runs `rootcellar-client`.
    package func run(_ arguments: String...) async throws -> ProgramResult { try await run(arguments) }

    /// Runs `rootcellar-client`, through a script if one is given, which has to end in `exec "$@"`.
    package func run(_ arguments: [String], script: String? = nil) async throws -> ProgramResult {
        let program = Programs.directory.appending("rootcellar-client").string
        guard let script else { return try await runProgram(program, arguments, environment: environment) }
        return try await runProgram("sh", ["-euc", script, "sh", program] + arguments, environment: environment)
    }

    /// Pins a server.
    package func trust(_ url: String, _ fingerprint: String, authority: FilePath) async throws -> ProgramResult {
        try await run("trust", "add", url, "--fingerprint", fingerprint, "--ca", authority.string)
    }

    /// Pins the server of a site.
    package func trust(_ server: PublishedServer, _ site: Site) async throws {
        try await trust(server.url, site.fingerprint, authority: server.authority).succeeded()
    }

    /// Forgets everything but the pins.
    package func emptyCache() { removeTree(base) }

    /// What is in the cache. Locks are left out, because they are made when they are needed and stay, and the times of
    /// records, which say when an image was last used.
    package func cacheSnapshot() async throws -> Snapshot {
        var snapshot = try await Snapshot(cache).without(".")
        snapshot.entries = snapshot.entries.filter { !$0.key.hasPrefix("./locks") }
        for path in snapshot.entries.keys where path.hasPrefix("./images/") && path.hasSuffix(".json") {
            snapshot = snapshot.ignoringTimes(of: path)
        }
        return snapshot
    }

    /// The files of the cache, relative to it.
    package func cacheFiles() async throws -> [String] {
        guard exists(cache) else { return [] }
        let list = try await Programs.shell("cd \"$1\"; find . -type f -printf '%P\\n' | LC_ALL=C sort", cache.string)
        return list.split(separator: "\n").map(String.init)
    }

    /// The files of the cache that the layout does not know, or that are not what their names say.
    package func strangeCacheFiles() async throws -> [String] {
        var strange: [String] = []
        for file in try await cacheFiles() {
            if file.wholeMatch(of: /locks\/[a-zA-Z0-9._-]+/) != nil { continue }
            if file.wholeMatch(of: /(images|pins)\/([a-z0-9][a-z0-9._+-]*\/){3}[a-z0-9._+-]+\.json/) != nil { continue }
            if file.wholeMatch(of: /servers\/[a-zA-Z0-9._-]+\.json/) != nil { continue }
            if let match = file.wholeMatch(of: /objects\/sha256\/([0-9a-f]{64})/) {
                let sum = try await Programs.shell("sha256sum < \"$1\"", cache.appending(file).string)
                if sum.hasPrefix(match.1) { continue }
            }
            strange.append(file)
        }
        return strange
    }

    /// Runs `download` as lxc-create does, into a new container.
    ///
    /// - Parameter script: what runs it, ending in `exec "$@"`.
    package func download(
        _ server: PublishedServer,
        _ image: String = "example/one/amd64",
        _ options: String...,
        name: String = "c1",
        script: String? = nil
    ) async throws -> Creation {
        try await download(server.address, image, options, name: name, script: script)
    }

    /// The same from any address.
    package func download(
        _ address: String,
        _ image: String = "example/one/amd64",
        _ options: [String] = [],
        name: String = "c1",
        script: String? = nil
    ) async throws -> Creation {
        let path = try Creation.makeContainer(self, name)
        let parts = image.split(separator: "/").map(String.init)
        let words = [
            "download", "--path=\(path)", "--name=\(name)", "--rootfs=\(path.appending("rootfs"))", "-d", parts[0],
            "-r",
            parts[1], "-a", parts[2], "--server", address,
        ]
        return Creation(path: path, result: try await run(words + options, script: script))
    }
}

/// A container that is being created, and how that went.
package struct Creation: Sendable {
    package let path: FilePath
    package let result: ProgramResult

    /// A creation that has ended.
    package init(path: FilePath, result: ProgramResult) {
        self.path = path
        self.result = result
    }

    package var rootfs: FilePath { path.appending("rootfs") }
    package var config: FilePath { path.appending("config") }

    /// What lxc-create writes before it runs a template.
    package static let before = """
        # Template used to create this container: rootcellar
        # For additional config options, please look at lxc.container.conf(5)

        lxc.net.0.type = veth
        lxc.net.0.link = lxcbr0
        lxc.apparmor.profile = generated
        lxc.rootfs.path = dir:/nowhere

        """

    /// Makes the directory of a new container as lxc-create does.
    package static func makeContainer(_ host: ClientHost, _ name: String) throws -> FilePath {
        let path = host.top.appending("containers").appending("\(name)-\(UInt32.random(in: 0 ... .max))")
        try makeDirectory(path.appending("rootfs"))
        try write(before.utf8, to: path.appending("config"))
        return path
    }

    /// Nothing of a failed creation may be left: the directory is as lxc-create made it.
    package var isUntouched: Bool {
        get throws {
            let names = try FileManager.default.contentsOfDirectory(atPath: path.string).sorted()
            let inside = try FileManager.default.contentsOfDirectory(atPath: rootfs.string)
            return try names == ["config", "rootfs"] && inside.isEmpty && text(config) == Self.before
        }
    }

    /// A snapshot of the rootfs, without the times of what every creation writes anew.
    package func snapshot() async throws -> Snapshot {
        try await Snapshot(rootfs).ignoringTimes(
            of: ".",
            "./etc",
            "./etc/hostname",
            "./etc/hosts",
            "./dev",
            "./dev/pts"
        )
    }

    /// Frees the space.
    package func remove() { removeTree(path) }
}
