// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
package import Model
package import SystemPackage

/// What a run has made.
package struct BuiltImage: Sendable {
    /// The directory that was asked for.
    package var path: FilePath
    /// What `image.json` says; nil where no image directory was made.
    package var document: ImageDocument?
    /// The files that were put into the directory; empty for a root directory.
    package var files: [String] = []
}

/// Builds an image: bootstrap, packages, scripts, files, metadata, and one pass that packs everything; or a part of that,
/// as the options say.
///
/// Runs only in the namespaces that `RootlessEntry` enters. What is made appears complete or not at all.
package struct ImageBuilder {
    private let options: BuildOptions
    private let progress: @Sendable (String) -> Void

    /// A builder that reports each finished step and its time to `progress`.
    package init(options: BuildOptions, progress: @escaping @Sendable (String) -> Void = { _ in }) {
        self.options = options
        self.progress = progress
    }

    /// Builds.
    ///
    /// - Throws: `DEFINITION` for what the definition asks and cannot be done, `SOURCE` for what comes from outside,
    ///   `POLICY` for missing programs and an output that is there already, `BUILD` for everything that fails on the way.
    package func build() throws(RootcellarError) -> BuiltImage {
        guard RootlessEntry.isInside else {
            throw RootcellarError(.internal, "a build was started outside of its namespaces")
        }
        try Preflight.check(options)
        let output = try BuildOutput(options)
        try output.check()
        try ForeignPrograms.prepare(output.architecture)
        let limit = options.timeLimit.map { TimeLimit(seconds: $0) }
        defer { limit?.lift() }
        let directory = try BuildDirectory(
            beside: output.place,
            kind: options.product == .directory ? .disk : RootSources.scratch(options)
        )
        let log = try BuildLog(directory.image.appending("build.log"), progress: progress)
        let context = BuildContext(
            options: options,
            mode: options.mode,
            directory: directory,
            log: log,
            cache: options.cache,
            sandboxProgram: try RootlessEntry.sandboxProgram(),
            architecture: output.architecture,
            keptLog: output.keptLog
        )
        do throws(RootcellarError) {
            let image = try run(context, output)
            directory.remove()
            // The image is there; that too much is kept is the next build's matter as well.
            _ = try? context.cache?.prune(now: Timestamp(seconds: Int64(time(nil))))
            return image
        } catch {
            // The build directory goes; its log is what the user needs now.
            try? renameHost(log.path, to: context.keptLog)
            directory.remove()
            limit?.lift()
            throw limit?.explained(error) ?? error
        }
    }

    private func run(_ context: BuildContext, _ output: BuildOutput) throws(RootcellarError) -> BuiltImage {
        let log = context.log
        log.note("\(output.title), building in \(context.directory.scratchKind)")
        let source = try source(context)
        let state = try state(source)
        if let state, !options.isForced, let document = BuildState.unchanged(options.output, state) {
            progress("nothing has changed since \(document.serial)")
            return BuiltImage(path: options.output, document: document)
        }
        let origin = try source.fill()
        var epoch = origin.epoch
        let rootfs = try RootfsDirectory(context.directory.rootfs)
        let image = InstalledImage(context: context, rootfs: rootfs)
        try context.directory.beginPhase()
        let forbade = try image.forbidServices()
        try image.addRepositories(epoch)
        try image.runScripts(.postUnpack, epoch)
        try image.managePackages(epoch) { () throws(RootcellarError) in
            // Repositories that the definition added have dates as well.
            epoch = try Self.epoch(context, rootfs, atLeast: origin.epoch)
            return epoch
        }
        // Before scripts clean up.
        let releases = try ReleaseFile.all(in: rootfs)
        try image.runScripts(.postPackages, epoch)
        var generators = GeneratorRunner(rootfs, formats: options.product.formats)
        try log.step("files") { () throws(RootcellarError) in
            for item in try options.definition.files(context.mode) { try generators.run(item) }
            if options.product != .directory { try SystemdAdaption.install(rootfs) }
        }
        if options.product != .directory || options.withPostFiles {
            try context.directory.beginPhase()
            try image.runScripts(.postFiles, epoch)
        }
        if options.product == .directory {
            if forbade { try image.allowServices() }
            return try output.release(context)
        }
        let installed = try InstalledPackages.read(rootfs, context)
        try log.step("machine state") { () throws(RootcellarError) in
            try MachineState.normalise(rootfs, epoch: epoch)
        }
        try scan(rootfs, log)
        let writer = ImageOutput(context: context, output: output, epoch: epoch, origin: origin)
        if options.product != .image {
            return try output.publish(try writer.writeFiles(rootfs, generators.templates), context)
        }
        let document = try writer.writeImage(
            rootfs,
            templates: generators.templates,
            installed: installed,
            releases: releases,
            state: state
        )
        return BuiltImage(path: options.output, document: document)
    }

    /// What the root's first files come from.
    private func source(_ context: BuildContext) throws(RootcellarError) -> any RootSource {
        switch options.origin {
        case .source: return try RootSources.source(context)
        case .directory(let tree): return RootDirectorySource(context: context, tree: tree)
        }
    }

    /// The hash of all that decides what is made; only of images that are published.
    private func state(_ source: any RootSource) throws(RootcellarError) -> SHA256Digest? {
        guard options.product == .image, let state = try source.state() else { return nil }
        return try BuildState.digest(options, source: state)
    }

    /// What is published must hold nobody's secrets; whoever packs for himself is told.
    private func scan(_ rootfs: RootfsDirectory, _ log: BuildLog) throws(RootcellarError) {
        let findings = try ImageScan(rootfs: rootfs).findings()
        guard let first = findings.first else { return }
        for finding in findings { log.note("warning: the image holds \(finding)") }
        guard options.product == .image else { return progress("warning: the image holds \(first)") }
        throw RootcellarError(
            .build,
            "the image holds \(first)\(findings.count > 1 ? ", and \(findings.count - 1) more" : "")",
            subject: options.output.string,
            hint: "remove it in a script of post-files"
        )
    }

    /// SOURCE_DATE_EPOCH: what the caller says, else the newest date that the archives' Release files bear, if it is later
    /// than that of the first files.
    static func epoch(
        _ context: BuildContext,
        _ rootfs: RootfsDirectory,
        atLeast first: Timestamp
    ) throws(RootcellarError) -> Timestamp {
        if let epoch = context.options.epoch { return epoch }
        let newest = max(first, try ReleaseFile.all(in: rootfs).map(\.date).max() ?? first)
        context.log.note("SOURCE_DATE_EPOCH is \(newest.seconds), \(newest)")
        return newest
    }
}
