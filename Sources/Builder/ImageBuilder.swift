// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
package import Model
package import SystemPackage

/// An image directory that a build has made.
package struct BuiltImage: Sendable {
    /// The directory, with `image.json` and every file that it lists.
    package var path: FilePath
    /// What `image.json` says.
    package var document: ImageDocument
}

/// Builds an image: bootstrap, packages, scripts, files, metadata, and one pass that packs everything.
///
/// Runs only in the namespaces that `RootlessEntry` enters. The output directory appears complete or not at all.
package struct ImageBuilder {
    private let options: BuildOptions
    private let mode = BuildMode.build(.container)
    private let formats: OutputFormats = [.lxc, .incus]
    private let progress: @Sendable (String) -> Void

    /// A builder that reports each finished step and its time to `progress`.
    package init(options: BuildOptions, progress: @escaping @Sendable (String) -> Void = { _ in }) {
        self.options = options
        self.progress = progress
    }

    /// Builds.
    ///
    /// - Throws: `DEFINITION` for what the definition asks and cannot be done, `SOURCE` for the archive, `POLICY` for
    ///   missing programs and an output that is there already, `BUILD` for everything that fails on the way.
    package func build() throws(RootcellarError) -> BuiltImage {
        guard RootlessEntry.isInside else {
            throw RootcellarError(.internal, "a build was started outside of its namespaces")
        }
        try Preflight.check(options.definition, mode: mode)
        let name = try options.definition.imageName()
        _ = try options.definition.publishedSerial()
        try checkOutput()
        let directory = try BuildDirectory(beside: options.output, kind: options.scratch)
        let log = try BuildLog(directory.image.appending("build.log"), progress: progress)
        let context = BuildContext(
            options: options,
            mode: mode,
            directory: directory,
            log: log,
            cache: try options.cache.map { (base) throws(RootcellarError) in try PackageCache(base) },
            sandboxProgram: try RootlessEntry.sandboxProgram(),
            architecture: name.architecture,
            keptLog: FilePath("\(options.output.string).log")
        )
        do throws(RootcellarError) {
            let image = try run(context, name)
            directory.remove()
            return image
        } catch {
            // The build directory goes; its log is what the user needs now.
            try? renameHost(log.path, to: context.keptLog)
            directory.remove()
            throw error
        }
    }

    /// The output must not be there, or be an empty directory.
    private func checkOutput() throws(RootcellarError) {
        do throws(Errno) {
            let directory = try openPath(options.output, .readOnly, .directory)
            defer { directory.closeQuietly() }
            if try directory.names().isEmpty { return }
        } catch {
            if error == .noSuchFileOrDirectory { return }
            throw systemError(.build, "cannot use the output directory", error, subject: options.output.string)
        }
        throw RootcellarError(
            .policy,
            "the output directory is not empty",
            subject: options.output.string,
            hint: "remove it, or name another"
        )
    }

    private func run(_ context: BuildContext, _ name: ImageName) throws(RootcellarError) -> BuiltImage {
        let log = context.log
        log.note("image \(name), serial \(options.definition.serial), building in \(context.directory.scratchKind)")
        let keyring = try Keyring.write(
            options.definition.definition.source.keys,
            below: context.directory.temporary
        )
        let bootstrap = try Bootstrap(context, keyring: keyring)
        try log.step("read the archive") { () throws(RootcellarError) in try bootstrap.fetch() }
        var epoch = try epoch(context)
        try log.step("bootstrap") { () throws(RootcellarError) in try bootstrap.install(epoch: epoch) }
        let rootfs = try RootfsDirectory(context.directory.rootfs)
        let image = InstalledImage(context: context, rootfs: rootfs)
        try image.forbidServices()
        try image.addRepositories(epoch)
        try image.runScripts(.postUnpack, epoch)
        try image.managePackages(epoch) { () throws(RootcellarError) in
            // Repositories that the definition added have dates as well.
            epoch = try self.epoch(context)
            return epoch
        }
        // Before scripts clean up.
        let releases = try ReleaseFile.all(in: rootfs)
        try image.runScripts(.postPackages, epoch)
        var generators = GeneratorRunner(rootfs, formats: formats)
        try log.step("files") { () throws(RootcellarError) in
            for item in try options.definition.files(mode) { try generators.run(item) }
            try SystemdAdaption.install(rootfs)
        }
        try image.runScripts(.postFiles, epoch)
        let packages = DpkgStatus.packages(
            String(decoding: try rootfs.read("/var/lib/dpkg/status") ?? [], as: UTF8.self)
        )
        try log.step("machine state") { () throws(RootcellarError) in
            try MachineState.normalise(rootfs, epoch: epoch)
        }
        let output = ImageOutput(context: context, name: name, epoch: epoch)
        let document = try output.write(
            rootfs,
            templates: generators.templates,
            packages: packages,
            releases: releases
        )
        return BuiltImage(path: options.output, document: document)
    }

    /// SOURCE_DATE_EPOCH: what the caller says, else the newest date that the archive's Release files bear.
    private func epoch(_ context: BuildContext) throws(RootcellarError) -> Timestamp {
        if let epoch = options.epoch { return epoch }
        let files = try ReleaseFile.all(in: try RootfsDirectory(context.directory.rootfs))
        guard let newest = files.map(\.date).max() else {
            throw RootcellarError(.source, "the archive has no Release file, so that the image would have no date")
        }
        context.log.note("SOURCE_DATE_EPOCH is \(newest.seconds), \(newest)")
        return newest
    }
}
