// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
import Model
import SystemPackage

/// Writes the files of an image and puts the finished directory into its place.
struct ImageOutput {
    let context: BuildContext
    let name: ImageName
    let epoch: Timestamp

    private var definition: ResolvedDefinition { context.definition }
    private var directory: FilePath { context.directory.image }

    /// Packs the root and writes metadata, definition, log and `image.json`.
    func write(
        _ rootfs: RootfsDirectory,
        templates: ImageTemplates,
        packages: [ImageDocument.Package],
        releases: [ReleaseFile]
    ) throws(RootcellarError) -> ImageDocument {
        let serial = try definition.publishedSerial()
        // From the serial, so that the same inputs give the same date, and one that is near the day of the build.
        let expiry = serial.timestamp.adding(seconds: definition.expirySeconds)
        var files: [String: ImageDocument.File] = [:]
        let packed = try context.log.step("pack") { () throws(RootcellarError) in
            try RootfsPacker(epoch: epoch, threads: context.options.threads).pack(
                rootfs.path,
                outputs: [
                    output(.xz(level: context.options.xzLevel), "rootfs.tar.xz"),
                    output(.zstd(level: context.options.zstdLevel), "rootfs.tar.zst"),
                    output(.squashfs, "rootfs.squashfs"),
                ]
            )
        }
        files.merge(packed.files) { $1 }
        try context.log.step("metadata") { () throws(RootcellarError) in
            files["meta.tar.xz"] = try writeLXC(templates, expiry)
            files["incus.tar.xz"] = try writeIncus(templates, expiry, serial)
        }
        files["image.yaml"] = try write("image.yaml", context.options.definitionText)
        let inputs = Provenance.inputs(options: context.options, releases: releases, epoch: epoch)
        context.log.note("finished")
        files["build.log"] = try HashedFile.read(context.log.path)
        let document = ImageDocument(
            name: name,
            serial: serial,
            summary: definition.description,
            created: epoch,
            lifetime: Int(definition.expirySeconds),
            files: files,
            tar: packed.tar,
            packages: packages,
            inputs: inputs,
            taints: Provenance.taints(context.options)
        )
        _ = try write(ImageDocument.fileName, try document.canonicalBytes())
        try publish(files.keys.sorted() + [ImageDocument.fileName])
        return document
    }

    private func output(_ form: RootfsPacker.Form, _ name: String) -> RootfsPacker.Output {
        RootfsPacker.Output(form, name: name, path: directory.appending(name))
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws(RootcellarError) -> ImageDocument.File {
        let path = directory.appending(name)
        try building("write", path.string) { () throws(Errno) in try writeFile(path, bytes) }
        return ImageDocument.File(size: bytes.count, sha256: SHA256Digest(hashing: bytes))
    }

    private func writeLXC(
        _ templates: ImageTemplates,
        _ expiry: Timestamp
    ) throws(RootcellarError) -> ImageDocument.File {
        let config = try definition.lxcConfig(context.mode)
        if config["config"] == nil {
            context.log.note("warning: the definition has no targets.lxc.config; LXC cannot use this image")
        }
        let metadata = LXCMetadata(
            createMessage: try definition.createMessage(),
            expiry: expiry,
            config: config,
            templates: templates.lxc
        )
        var archive = SmallArchive(epoch: epoch)
        for member in metadata.members { archive.add(member.name, Array(member.text.utf8)) }
        return try archive.write(to: directory.appending("meta.tar.xz"))
    }

    private func writeIncus(
        _ templates: ImageTemplates,
        _ expiry: Timestamp,
        _ serial: Serial
    ) throws(RootcellarError) -> ImageDocument.File {
        let image = definition.definition.image
        let metadata = IncusMetadata(
            architecture: image.architecture.text,
            created: epoch,
            expiry: expiry,
            properties: [
                "architecture": definition.mappedArchitecture, "description": definition.description,
                "name": definition.name, "os": image.distribution, "release": image.release,
                "serial": serial.description, "variant": image.variant,
            ],
            templates: templates
        )
        var archive = SmallArchive(epoch: epoch)
        archive.add("metadata.yaml", Array(metadata.yaml.utf8))
        if !templates.incusFiles.isEmpty {
            archive.addDirectory("templates")
            for (name, text) in templates.incusFiles.sorted(by: { $0.key < $1.key }) {
                archive.add("templates/\(name)", Array(text.utf8))
            }
        }
        return try archive.write(to: directory.appending("incus.tar.xz"))
    }

    /// Makes everything durable and renames the directory into its place.
    private func publish(_ names: [String]) throws(RootcellarError) {
        for name in names {
            let path = directory.appending(name)
            try building("finish", path.string) { () throws(Errno) in
                let file = try openPath(path, .readOnly)
                defer { file.closeQuietly() }
                try file.changeMode(0o644)
                if fsync(file.rawValue) != 0 { throw Errno(rawValue: errno) }
            }
        }
        try building("finish", directory.string) { () throws(Errno) in
            let file = try openPath(directory, .readOnly, .directory)
            defer { file.closeQuietly() }
            try file.changeMode(0o755)
            if fsync(file.rawValue) != 0 { throw Errno(rawValue: errno) }
        }
        try renameHost(directory, to: context.options.output)
    }
}

extension Serial {
    /// The first second of the serial's minute.
    var timestamp: Timestamp {
        let digits = description
        let text =
            "\(digits.prefix(4))-\(digits.dropFirst(4).prefix(2))-\(digits.dropFirst(6).prefix(2))"
            + "T\(digits.suffix(5)):00Z"
        // A serial is only made of a date that exists.
        return Timestamp(text) ?? Timestamp(seconds: 0)
    }
}
