// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import FoundationEssentials
import Model
import OpenPGP
import SystemPackage
import Transfer

/// Fetches files of one server and finds out whether they are what their distribution signed.
///
/// Everything that is wrong with what comes from outside is of class SOURCE, and nothing of it outlives the build.
final class SourceFetch {
    /// The most bytes of a list, a signature or a page.
    private static let smallLimit = 8 << 20
    /// The most bytes of an image.
    private static let largeLimit = 16 << 30

    let context: BuildContext
    let keys: SourceKeys
    /// What was taken and how it was verified, for image.json.
    private(set) var inputs: [String: String] = [:]
    private(set) var taints: [String] = []
    private let session: HTTPSession
    private var count = 0

    /// A fetch from `url`, or from the definition's.
    ///
    /// - Throws: `SOURCE` without an address, and for keys that cannot be had.
    init(_ context: BuildContext, url: String? = nil) throws(RootcellarError) {
        self.context = context
        let source = context.definition.definition.source
        keys = url == nil ? try context.options.keys() : try SourceKeys(source.keys)
        let mirror = context.options.mirror ?? ""
        var address = url ?? (source.url.isEmpty ? mirror : source.url.text)
        guard !address.isEmpty else {
            throw RootcellarError(
                .source,
                "nothing says where the image is fetched from",
                subject: "\(source.downloaderPosition)",
                hint: "name the server in source.url, or as mirror.<distribution> in the configuration"
            )
        }
        if address.hasPrefix("http://") {
            // Whoever means a mirror by its old address mostly has it under the new one, too.
            address = "https://" + address.dropFirst(7)
            context.log.note("asking by https where source.url says http")
        }
        session = try Self.sourcing { () throws(RootcellarError) in
            var options = TransferOptions(
                caFile: context.options.certificateAuthorities,
                proxy: context.options.proxy
            )
            options.tries = 3
            return try HTTPSession(server: try ServerAddress(address), options: options)
        }
    }

    /// Turns any error of a transfer or a signature into one of the source.
    static func sourcing<Result>(
        _ body: () throws(RootcellarError) -> Result
    ) throws(RootcellarError) -> Result {
        do throws(RootcellarError) {
            return try body()
        } catch {
            guard error.errorClass != .source, error.errorClass != .internal else { throw error }
            throw RootcellarError(.source, error.reason, subject: error.subject, hint: error.hint)
        }
    }

    /// The URL of a file, for messages.
    func url(_ path: String) -> String { session.server.url(of: path) }

    // MARK: - Fetching

    /// A small file; nil if it is not there.
    func small(_ path: String) throws(RootcellarError) -> [UInt8]? {
        try Self.sourcing { () throws(RootcellarError) in
            switch try session.get(path, limit: Self.smallLimit) {
            case .found(let bytes, _): bytes
            case .missing, .notModified: nil
            }
        }
    }

    /// What a directory of the server holds.
    ///
    /// - Throws: `SOURCE` if there is none.
    func listing(_ directory: String) throws(RootcellarError) -> ListingPage {
        guard let page = try page(directory) else {
            throw RootcellarError(.source, "no such directory on the server", subject: url(directory) + "/")
        }
        return page
    }

    /// What a directory of the server holds; nil if there is none.
    func page(_ directory: String) throws(RootcellarError) -> ListingPage? {
        let bytes = try Self.sourcing { () throws(RootcellarError) in
            try session.listing(directory, limit: Self.smallLimit)
        }
        return bytes.map { ListingPage(String(decoding: $0, as: UTF8.self)) }
    }

    /// The newest name in a directory that begins and ends in one way.
    ///
    /// - Throws: `SOURCE` if there is none.
    func newest(
        in directory: String,
        from prefix: String,
        to suffix: String,
        where fits: (String) -> Bool = { _ in true }
    ) throws(RootcellarError) -> String {
        guard let name = try listing(directory).names(from: prefix, to: suffix).last(where: fits) else {
            throw RootcellarError(
                .source,
                "nothing there is called '\(prefix)…\(suffix)'",
                subject: url(directory) + "/"
            )
        }
        return name
    }

    /// Fetches a big file.
    ///
    /// - Throws: `SOURCE` if it is not there or does not arrive whole.
    func file(_ path: String) throws(RootcellarError) -> FetchedFile {
        count += 1
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let place = context.directory.scratch.appending("fetched-\(count)")
        let descriptor = try building("make a file", place.string) { () throws(Errno) in
            try openPath(place, .readWrite, [.create, .truncate])
        }
        var sha256 = SHA256Hasher()
        var sha512 = SHA512Hasher()
        var size = 0
        let isThere = try context.log.step("fetch \(name)") { () throws(RootcellarError) in
            try Self.sourcing { () throws(RootcellarError) in
                try session.download(path, limit: Self.largeLimit) { () throws(RootcellarError) in
                    (sha256, sha512, size) = (SHA256Hasher(), SHA512Hasher(), 0)
                    try building("empty", place.string) { () throws(Errno) in try truncateAndRewind(descriptor) }
                } sink: { bytes throws(RootcellarError) in
                    sha256.update(bytes)
                    sha512.update(bytes)
                    size += bytes.byteCount
                    try building("write", place.string) { () throws(Errno) in try writeAll(descriptor, bytes) }
                }
            }
        }
        guard isThere else { throw RootcellarError(.source, "no such file on the server", subject: url(path)) }
        let file = FetchedFile(
            name: name,
            path: place,
            descriptor: descriptor,
            size: size,
            sha256: sha256.finish().description,
            sha512: sha512.finish()
        )
        record(file)
        return file
    }

    /// Notes a file among what the build was made from.
    func record(_ file: FetchedFile) {
        inputs["source.\(file.name).sha256"] = file.sha256
        context.log.note("\(file.name): \(file.size) bytes, sha256 \(file.sha256)")
    }

    /// Notes how a file was verified.
    func record(_ name: String, verifiedBy words: String) {
        inputs["source.\(name).verified"] = words
        context.log.note("\(name): \(words)")
    }

    /// Notes that nobody vouches for a file.
    func taint(_ name: String) {
        taints.append("source.skip_verification: nobody vouches for \(name)")
        context.log.note("warning: nobody vouches for \(name)")
    }

    /// What is known when the root is filled.
    func state(_ newest: Timestamp) -> OriginState {
        OriginState(epoch: context.options.epoch ?? newest, inputs: inputs, taints: taints)
    }
}
