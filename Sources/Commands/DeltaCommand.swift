// SPDX-License-Identifier: Apache-2.0

import Archive
package import ArgumentParser
import ClientCommands
import Model
import SystemPackage

/// `rootcellar delta`.
package struct DeltaCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "delta",
        abstract: "Make and apply patches between two rootfs tars",
        discussion: """
            A patch is a Zstandard frame with the old tar as its prefix, as zstd --patch-from makes it. An image \
            directory may hold it as from-SERIAL.patch.zst; clients that have the build of that serial then fetch \
            nothing else of the rootfs. Tars may be plain or compressed by xz, zstd or gzip; patches are always between \
            the plain ones.
            """,
        subcommands: [Make.self, Apply.self]
    )

    package init() {}

    /// What was done, for programs.
    private struct Report: Encodable {
        var format = documentFormat
        var base: Int
        var new: Int
        var patch: Int
        var sha256: SHA256Digest
    }

    private struct Make: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Write the patch that makes one tar of another")

        @Argument(help: "The old tar.") private var base: String
        @Argument(help: "The new tar.") private var new: String
        @Argument(help: "The patch to write.") private var patch: String
        @Option(help: "The level of compression, 1 to 22.") private var level = 19
        @Flag(help: "Print JSON.") private var json = false

        func validate() throws {
            guard (1...22).contains(level) else { throw ValidationError("the level is a number from 1 to 22") }
        }

        func run() throws {
            let target = try OutputFile(FilePath(patch))
            let old = try PlainTar.open(FilePath(base), scratch: target.directory)
            defer { try? old.close() }
            let content = try PlainTar.open(FilePath(new), scratch: target.directory)
            defer { try? content.close() }
            try TarPatch.make(base: old, new: content, patch: target.file, level: level)
            let figures = try HashedFile.read(target.temporary)
            try target.commit()
            let report = Report(
                base: try old.status().size,
                new: try content.status().size,
                patch: figures.size,
                sha256: figures.sha256
            )
            if json { return try sayJSON(report) }
            say("\(report.patch) bytes for a tar of \(report.new)")
        }
    }

    private struct Apply: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a tar of an older one and a patch")

        @Argument(help: "The old tar.") private var base: String
        @Argument(help: "The patch.") private var patch: String
        @Argument(help: "The new tar to write, always a plain one.") private var new: String
        @Option(help: "What the new tar must be; without it, only the patch's own checksum is compared.")
        private var sha256: String?
        @Flag(help: "Print JSON.") private var json = false

        func run() throws {
            var expected: SHA256Digest?
            if let sha256 {
                expected = SHA256Digest(hex: sha256)
                guard expected != nil else {
                    throw RootcellarError(.usage, "not 64 hexadecimal digits", subject: sha256)
                }
            }
            let target = try OutputFile(FilePath(new))
            let old = try PlainTar.open(FilePath(base), scratch: target.directory)
            defer { try? old.close() }
            let source = try PlainTar.open(file: FilePath(patch))
            defer { try? source.close() }
            let size = try TarPatch.declaredSize(of: source)
            do throws(Errno) {
                try TarPatch.reserve(target.file, size: size)
            } catch {
                throw systemError(.archive, "cannot make room for the new tar", error, subject: new)
            }
            try TarPatch.apply(base: old, patch: source, output: target.file)
            let figures = try HashedFile.read(target.temporary)
            if let expected, figures.sha256 != expected {
                throw RootcellarError(
                    .hash,
                    "the result is not the tar that was asked for",
                    subject: new,
                    hint: "the patch belongs to another pair of tars"
                )
            }
            try target.commit()
            let report = Report(
                base: try old.status().size,
                new: figures.size,
                patch: try source.status().size,
                sha256: figures.sha256
            )
            if json { return try sayJSON(report) }
            say("\(report.sha256)  \(new)")
        }
    }
}
