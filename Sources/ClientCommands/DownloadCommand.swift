// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Client
import Model
import SystemPackage
import Transfer

/// `rootcellar download`: what lxc-create runs.
package struct DownloadCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "download",
        abstract: "Create a container's rootfs and configuration; run by lxc-create",
        helpNames: []
    )

    // LXC's own grammar has to be kept, which permutes, abbreviates and ignores stray words.
    @Argument(parsing: .captureForPassthrough) private var words: [String] = []

    package init() {}

    package func run() throws {
        let words = try TemplateWords(words)
        if words.help {
            say(Self.help)
            return
        }
        for notice in words.notices { tell("rootcellar: note: \(notice)") }
        let meter = ProgressMeter()
        defer { meter.end() }
        let narrator = words.quiet ? Narrator.quiet : meter.narrator
        if words.list {
            let context = try ClientContext()
            let server = try context.choose(words.server)
            let list = try context.images(of: server, ImageFilter(words), words.json ? .quiet : narrator)
            if words.json { return try ImageTable.json(list) }
            ImageTable.print(list, isTemplate: true)
            return
        }
        // Names become paths, so they are checked before a file or a server is looked for.
        let place = try Self.place(words)
        if try Self.createLocal(words, in: place, narrator) { return }
        try Self.checkNames(words)
        let wish = try BuildWish(channel: words.channel, asOf: words.asOf)
        let context = try ClientContext()
        guard context.surroundings.namespace.kind != .user || words.mappedUID != nil else {
            throw RootcellarError(
                .policy,
                "In a user namespace without a map",
                hint: "run lxc-create, which passes --mapped-uid"
            )
        }
        let server = try context.choose(words.server)
        let image = try Self.image(words, context, server, narrator)
        // After the last question: an answer that does not come is no reason to wait for a signal's end.
        Interruption.catchSignals()
        let cache: SignedImage.CacheUse = words.flushCache ? .flush : words.forceCache ? .force : .normal
        let creation = ContainerCreation(context.surroundings, narrator)
        try creation.run(in: place) { () throws(RootcellarError) -> any ContainerImage in
            do throws(RootcellarError) {
                return try Self.choose(image, server, context, cache, wish, words.verbose, narrator)
            } catch {
                // What programs around LXC look for in the output.
                if error.errorClass == .policy, error.reason.hasPrefix("no such ") {
                    narrator.progress("ERROR: Couldn't find a matching image")
                }
                throw error
            }
        }
    }

    private static func choose(
        _ image: ImageName,
        _ server: ChosenServer,
        _ context: ClientContext,
        _ cache: SignedImage.CacheUse,
        _ wish: BuildWish,
        _ isVerbose: Bool,
        _ narrator: Narrator
    ) throws(RootcellarError) -> any ContainerImage {
        switch server {
        case .pinned(let pinned):
            var options = try context.selection.transferOptions(for: pinned)
            if isVerbose { options.onRequest = { say("Download file: \($0)") } }
            let setting = ImageSetting(
                context.surroundings,
                layout: context.layout,
                server: pinned,
                options: options,
                narrator
            )
            return try SignedImage(image, setting, cache: cache, wish: wish)
        case .plain(let plain):
            guard !wish.isSpecial else {
                throw RootcellarError(
                    .policy,
                    "only servers of this project know channels and former builds",
                    subject: plain.address.url,
                    hint: "leave --channel and --as-of away"
                )
            }
            var options = context.selection.transferOptions(for: plain)
            if isVerbose { options.onRequest = { say("Download file: \($0)") } }
            let setting = ImageSetting(
                context.surroundings,
                layout: context.layout,
                server: plain,
                options: options,
                narrator
            )
            if plain.trust == .nothing, cache != .flush,
                let stock = try StockCacheImage(image, setting, isForced: cache == .force)
            {
                return stock
            }
            return try PlainImage(image, setting, cache: cache)
        }
    }

    private static func place(_ words: TemplateWords) throws(RootcellarError) -> ContainerCreation.Place {
        guard let path = words.path, let name = words.name, let rootfs = words.rootfs,
            !path.isEmpty, !name.isEmpty, !rootfs.isEmpty
        else {
            throw RootcellarError(
                .usage,
                "Please pass the name, path, and rootfs for the container",
                hint: "lxc-create does that by itself"
            )
        }
        guard name.utf8.count <= 255, !name.contains("/"), !name.unicodeScalars.contains(where: isUnprintable) else {
            throw RootcellarError(.policy, "not a name for a container", subject: "'\(name)'")
        }
        return ContainerCreation.Place(
            path: FilePath(path),
            name: name,
            rootfs: FilePath(rootfs),
            mappedUID: words.mappedUID,
            mappedGID: words.mappedGID
        )
    }

    private static func checkNames(_ words: TemplateWords) throws(RootcellarError) {
        for (what, name) in [
            ("distribution", words.distribution), ("release", words.release), ("architecture", words.architecture),
            ("variant", words.variant),
        ] {
            if let name { _ = try ImageName.part(what, name) }
        }
    }

    /// The image of the command line; whoever sits at the other end is asked for what is missing.
    private static func image(
        _ words: TemplateWords,
        _ context: ClientContext,
        _ server: ChosenServer,
        _ narrator: Narrator
    ) throws(RootcellarError) -> ImageName {
        if let distribution = words.distribution, let release = words.release, let architecture = words.architecture {
            return try ImageName(
                distribution: distribution,
                release: release,
                architecture: architecture,
                variant: words.variant ?? "default"
            )
        }
        let list = try context.images(of: server, ImageFilter(words), narrator)
        ImageTable.print(list, isTemplate: true)
        let prompt = ImagePrompt(
            // What was given may match nothing; then the suggestions come from everything that there is.
            list.rows.isEmpty
                ? try context.images(of: server, .everything, .quiet).rows.map(\.name) : list.rows.map(\.name)
        ) { question in
            say(question)
            return readLine()
        } complain: {
            tell("rootcellar: \($0)")
        }
        return try prompt.complete(
            distribution: words.distribution,
            release: words.release,
            architecture: words.architecture,
            variant: words.variant
        )
    }

    private static let help = """
        Create an LXC container from a signed image.

        Usage: lxc-create -n NAME -t rootcellar -- -d DISTRIBUTION -r RELEASE -a ARCHITECTURE [options]

          -d, --dist NAME          distribution, as in debian
          -r, --release NAME       release, as in bookworm
          -a, --arch NAME          architecture by Debian's name, as in amd64
              --variant NAME       variant (default: default)
              --local FILE         a tarball of your own instead: plain, xz, zstd or gzip
              --metadata FILE      its metadata archive, if it has one
          -l, --list               list what the server has; -d, -r, -a and --variant choose from it
              --json               list as JSON
              --flush-cache        drop the cached copy first
              --force-cache        use the cached copy without asking the server, also past its expiry
              --channel NAME       the build that a channel points to, as testing
              --as-of DATE         the build that was current on that day (2026-02-28, UTC)
              --verbose            name every file that is downloaded
              --quiet              say nothing but warnings and errors
          -h, --help               show this help

        What is missing of -d, -r and -a is asked for.

        The server:

              --server HOST[:PORT][/PREFIX]
                                   one that was pinned by 'rootcellar trust add' (default: the configured or only one)
              --keyid FINGERPRINT  one that is not pinned, with a signature by this key beside each file; the key is
                                   read from trust.d/FINGERPRINT.asc
              --keyring FILE       the same, the key is in this file
              --simplestreams      one that is not pinned, believed for its connection; its catalogue has the hashes
              --no-validate        one that is not pinned, whatever it sends; never cached, warns every time
              --ca FILE            certification authorities for one that is not pinned

        For command lines of older templates: --keyserver and --standard-resolver are read and ignored.
        Given by lxc-create: --name, --path, --rootfs, --mapped-uid, --mapped-gid.
        """
}

extension ImageFilter {
    fileprivate static var everything: ImageFilter {
        ImageFilter(distribution: nil, release: nil, architecture: nil, variant: nil)
    }
}
