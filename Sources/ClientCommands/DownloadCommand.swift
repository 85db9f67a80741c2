// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Client
import Model
import SystemPackage

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
        guard !words.noValidate else {
            throw RootcellarError(
                .policy,
                "--no-validate: unsigned images are not accepted",
                hint: "pin the server's keys: rootcellar trust add"
            )
        }
        if words.list {
            let context = try ClientContext()
            let server = try context.selection.server(named: words.server)
            try ImageTable.print(context: context, server: server, filter: ImageFilter(words), isTemplate: true)
            return
        }
        // Names become paths, so they are checked before a file or a server is looked for.
        let place = try Self.place(words)
        let image = try Self.image(words)
        let context = try ClientContext()
        guard context.surroundings.namespace.kind != .user || words.mappedUID != nil else {
            throw RootcellarError(
                .policy,
                "In a user namespace without a map",
                hint: "run lxc-create, which passes --mapped-uid"
            )
        }
        let narrator = Narrator(progress: say, warn: { tell("rootcellar: warning: \($0)") })
        let server = try context.selection.server(named: words.server)
        let setting = SignedImage.Setting(
            context.surroundings,
            layout: context.layout,
            server: server,
            options: context.selection.transferOptions(for: server),
            narrator
        )
        let cache: SignedImage.CacheUse = words.flushCache ? .flush : words.forceCache ? .force : .normal
        try ContainerCreation(context.surroundings, narrator).run(in: place) { () throws(RootcellarError) in
            try SignedImage(image, setting, cache: cache)
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

    private static func image(_ words: TemplateWords) throws(RootcellarError) -> ImageName {
        guard let distribution = words.distribution, let release = words.release, let architecture = words.architecture
        else {
            throw RootcellarError(
                .usage,
                "an image needs a distribution, a release and an architecture",
                hint: "lxc-create -n NAME -t rootcellar -- -d debian -r bookworm -a amd64; --list shows what there is"
            )
        }
        return try ImageName(
            distribution: distribution,
            release: release,
            architecture: architecture,
            variant: words.variant ?? "default"
        )
    }

    private static let help = """
        Create an LXC container from a signed image of a pinned server.

        Usage: lxc-create -n NAME -t rootcellar -- -d DISTRIBUTION -r RELEASE -a ARCHITECTURE [options]

          -d, --dist NAME          distribution, as in debian
          -r, --release NAME       release, as in bookworm
          -a, --arch NAME          architecture by Debian's name, as in amd64
              --variant NAME       variant (default: default)
              --server HOST[:PORT][/PREFIX]
                                   a server pinned by 'rootcellar trust add'
          -l, --list               list what the server has
              --flush-cache        drop the cached copy first
              --force-cache        use the cached copy without asking the server, also past its expiry
          -h, --help               show this help

        Given by lxc-create: --name, --path, --rootfs, --mapped-uid, --mapped-gid.
        """
}
