// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Definition
import Glibc
import Model
import SystemPackage

/// Where what a run makes is put, and under which names.
struct BuildOutput {
    private let options: BuildOptions
    /// The published name, where there is one.
    let name: ImageName?
    /// Debian's name of the architecture.
    let architecture: String
    /// The suffix of the unified tarball and all others.
    private let suffix: String

    /// - Throws: `DEFINITION` for names that cannot be.
    init(_ options: BuildOptions) throws(RootcellarError) {
        self.options = options
        let definition = options.definition
        architecture = definition.debianArchitecture
        suffix = options.compression.suffix
        name = options.product == .image ? try definition.imageName() : nil
        if options.product == .image { _ = try definition.publishedSerial() }
        guard options.product == .incus(unified: true) else { return }
        guard !definition.name.isEmpty, !definition.name.utf8.contains(0x2F), !definition.name.hasPrefix(".") else {
            throw RootcellarError(
                .definition,
                "image.name is to be a file's name and cannot: '\(definition.name)'",
                subject: "\(definition.definition.image.position)"
            )
        }
    }

    /// What is being made, for the log.
    var title: String {
        name.map { "image \($0), serial \(options.definition.serial)" } ?? options.definition.name
    }

    /// A path whose parent takes the build's directory: what is finished is renamed from there.
    var place: FilePath {
        switch options.product {
        case .image, .directory: options.output
        case .lxc, .incus: options.output.appending("output")
        }
    }

    /// Where the log goes when the run has failed.
    var keptLog: FilePath {
        switch options.product {
        case .image, .directory: FilePath("\(options.output.string).log")
        case .lxc, .incus: options.output.appending("build.log")
        }
    }

    /// The output must not be there, or be an empty directory, or an earlier build of the same image; a directory for
    /// separate files is made.
    func check() throws(RootcellarError) {
        switch options.product {
        case .lxc, .incus:
            if options.product == .incus(unified: false) { _ = try options.compression.squashfsForm() }
            _ = try options.compression.tarForm()
            return try makeHostDirectories(options.output)
        case .image, .directory: break
        }
        do throws(Errno) {
            let directory = try openPath(options.output, .readOnly, .directory)
            defer { directory.closeQuietly() }
            if try directory.names().isEmpty || isEarlierBuild { return }
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

    /// The name of the metadata's archive beside a squashfs image.
    var incusMetadata: String { "incus.tar\(suffix)" }
    /// The name of the root's archive.
    var rootfsTar: String { "rootfs.tar\(suffix)" }
    /// The name of an archive with both.
    var unified: String { "\(options.definition.name).tar\(suffix)" }

    /// Whether the output holds a build of this very image.
    private var isEarlierBuild: Bool {
        guard let name, let document = BuildState.document(options.output) else { return false }
        return (try? document.name()) == name
    }

    /// Puts a finished image directory into its place, where an earlier build may be.
    func replace(_ directory: FilePath, _ context: BuildContext) throws(RootcellarError) {
        guard isEarlierBuild else { return try renameHost(directory, to: options.output) }
        // Both change places at once, so that there is always one; the earlier goes with the build's directory.
        try building("replace", options.output.string) { () throws(Errno) in
            let result = unsafe directory.withPlatformString { new in
                unsafe options.output.withPlatformString { old in
                    unsafe clinux_renameat2(AT_FDCWD, new, AT_FDCWD, old, CLINUX_RENAME_EXCHANGE)
                }
            }
            if result != 0 { throw Errno(rawValue: errno) }
        }
    }

    /// Puts a finished root directory into its place.
    func release(_ context: BuildContext) throws(RootcellarError) -> BuiltImage {
        try context.directory.release(rootfs: options.output)
        return BuiltImage(path: options.output)
    }

    /// Puts finished files into their places, replacing those of the same names.
    func publish(_ files: [String], _ context: BuildContext) throws(RootcellarError) -> BuiltImage {
        for file in files {
            let path = context.directory.image.appending(file)
            try building("finish", path.string) { () throws(Errno) in
                let descriptor = try openPath(path, .readOnly)
                defer { descriptor.closeQuietly() }
                try descriptor.changeMode(0o644)
                if fsync(descriptor.rawValue) != 0 { throw Errno(rawValue: errno) }
            }
        }
        for file in files {
            try renameHost(context.directory.image.appending(file), to: options.output.appending(file))
        }
        return BuiltImage(path: options.output, files: files)
    }
}
