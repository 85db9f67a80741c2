// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Client
import Glibc
import Model
import Repository
import SystemPackage
import Transfer

/// Where the object storage is that a tree at `s3://BUCKET[/PREFIX]` is in. Its keys come from the environment or from a file,
/// never from the command line, where everybody on the machine could read them.
struct StoreOptions: ParsableArguments {
    @Option(help: "For a tree at s3://BUCKET[/PREFIX]: the object storage, https://HOST[:PORT].") var endpoint: String?
    @Option(help: "The region of the bucket.") var region: String?
    @Option(help: "A file of certification authorities to believe for the object storage instead of the system's.")
    var endpointCa: String?
    @Option(help: "The directory in which the documents of such a tree are kept, instead of the usual one.")
    var workingCopy: String?

    /// The tree in an object store that is meant; nil if it is a directory.
    ///
    /// - Throws: `POLICY` for an address, credentials or a region that are none; `USAGE` for options that mean nothing.
    func remote(_ repo: String) throws(RootcellarError) -> RemoteTree? {
        guard StoreAddress.isOne(repo) else {
            guard endpoint == nil, region == nil, endpointCa == nil, workingCopy == nil else {
                throw RootcellarError(
                    .usage,
                    "--endpoint, --region, --endpoint-ca and --working-copy belong to a tree at s3://BUCKET",
                    subject: repo
                )
            }
            return nil
        }
        let configuration = try Configuration.load(.current())
        guard let place = endpoint ?? configuration.storeEndpoint else {
            throw RootcellarError(
                .usage,
                "nobody says where the object storage is",
                subject: repo,
                hint: "give --endpoint https://HOST[:PORT], or 's3-endpoint' in rootcellar.conf"
            )
        }
        let region =
            region ?? Self.variable("AWS_REGION") ?? Self.variable("AWS_DEFAULT_REGION")
            ?? configuration.storeRegion ?? StoreAddress.usualRegion
        let address = try StoreAddress(repo, endpoint: ServerAddress(place), region: region)
        var options = TransferOptions(
            caFile: endpointCa ?? configuration.certificateAuthorities,
            proxy: configuration.proxy
        )
        // A store that is down is found out in a minute, and a publication has many requests.
        options.retryAfterCap = .seconds(30)
        let store = try ObjectStore(address, credentials: Self.credentials(configuration), options: options)
        let copy: FilePath
        if let workingCopy { copy = FilePath(workingCopy) } else { copy = try Self.usualPlace(address) }
        return RemoteTree(store, workingCopy: copy, now: currentTime())
    }

    /// The environment first, as with every tool for such stores.
    private static func credentials(_ configuration: Configuration) throws(RootcellarError) -> StoreCredentials {
        if let found = try StoreCredentials(environment: variable) { return found }
        guard let path = configuration.storeCredentials else {
            throw RootcellarError(
                .policy,
                "no credentials for the object storage",
                hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or 's3-credentials' in rootcellar.conf"
            )
        }
        try ServerSelection.checkPrivate(FilePath(path), "credentials")
        return try StoreCredentials(file: String(decoding: readSmall(FilePath(path)), as: UTF8.self), path: path)
    }

    /// Below the user's cache: everything in it can be fetched again.
    private static func usualPlace(_ address: StoreAddress) throws(RootcellarError) -> FilePath {
        let base: FilePath
        if let cache = variable("XDG_CACHE_HOME"), cache.hasPrefix("/") {
            base = FilePath(cache)
        } else if geteuid() == 0 {
            base = "/var/cache"
        } else if let home = variable("HOME"), home.hasPrefix("/") {
            base = FilePath(home).appending(".cache")
        } else {
            throw RootcellarError(.usage, "there is no usual place for a working copy", hint: "give --working-copy DIR")
        }
        let name = SHA256Digest(hashing: Array("\(address) at \(address.endpoint)".utf8)).description.prefix(16)
        return base.appending("rootcellar").appending("trees").appending("\(address.bucket)-\(name)")
    }

    private static func variable(_ name: String) -> String? {
        unsafe getenv(name).map { unsafe String(cString: $0) }
    }
}

/// The directory of a tree, for commands that work on nothing else.
///
/// - Throws: `USAGE` for a tree in an object store.
func localTree(_ repo: String) throws(RootcellarError) -> FilePath {
    guard !StoreAddress.isOne(repo) else {
        throw RootcellarError(
            .usage,
            "this command needs a tree in a directory",
            subject: repo,
            hint: "make a copy of it: 'rootcellar repo mirror https://... --repo DIR', from where readers get it"
        )
    }
    return FilePath(repo)
}
