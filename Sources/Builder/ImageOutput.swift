// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
import Model
import SystemPackage

/// Writes the files of an image and puts the finished directory into its place.
struct ImageOutput {
    let context: BuildContext
    let output: BuildOutput
    let epoch: Timestamp
    let origin: OriginState

    private var definition: ResolvedDefinition { context.definition }
    private var directory: FilePath { context.directory.image }
    private var packer: RootfsPacker { RootfsPacker(epoch: epoch, threads: context.options.threads) }

    /// From the serial, so that the same inputs give the same date, and one that is near the day of the build.
    private var expiry: Timestamp { definition.serialTime.adding(seconds: definition.expirySeconds) }

    /// Packs the root and writes metadata, definition, log and `image.json`.
    func writeImage(
        _ rootfs: RootfsDirectory,
        templates: ImageTemplates,
        installed: InstalledPackages,
        releases: [ReleaseFile],
        state: SHA256Digest?
    ) throws(RootcellarError) -> ImageDocument {
        let serial = try definition.publishedSerial()
        let name = try definition.imageName()
        var files: [String: ImageDocument.File] = [:]
        let packed = try context.log.step("pack") { () throws(RootcellarError) in
            try packer.pack(
                rootfs.path,
                outputs: [
                    output(.xz(level: context.options.xzLevel), "rootfs.tar.xz"),
                    output(.zstd(level: context.options.zstdLevel), "rootfs.tar.zst"),
                    output(.squashfsBy(compressor: "zstd", level: 9), "rootfs.squashfs"),
                ]
            )
        }
        files.merge(packed.files) { $1 }
        try context.log.step("metadata") { () throws(RootcellarError) in
            files["meta.tar.xz"] = try lxc(templates).write(to: directory.appending("meta.tar.xz"))
            files["incus.tar.xz"] = try incus(templates, serial.description)
                .write(to: directory.appending("incus.tar.xz"))
        }
        files["image.yaml"] = try write("image.yaml", context.options.definitionText)
        let bill = BillOfMaterials(
            name: name,
            serial: serial,
            created: epoch,
            installed: installed,
            tar: packed.tar
        )
        files[BillOfMaterials.fileName] = try write(BillOfMaterials.fileName, try bill.bytes())
        var inputs = Provenance.inputs(options: context.options, releases: releases, epoch: epoch, origin: origin)
        if let state { inputs[BuildState.input] = state.description }
        try checkLog()
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
            packages: installed.packages,
            inputs: inputs,
            taints: origin.taints
        )
        _ = try write(ImageDocument.fileName, try document.canonicalBytes())
        try publish(files.keys.sorted() + [ImageDocument.fileName])
        return document
    }

    /// A log that is published must not tell secrets.
    private func checkLog() throws(RootcellarError) {
        let text = String(
            decoding: try building("read the log", context.log.path.string) { () throws(Errno) in
                try readFile(context.log.path, limit: 512 << 20)
            },
            as: UTF8.self
        )
        guard let token = ImageScan.tokens(text).first else { return }
        throw RootcellarError(
            .build,
            "the log, which is published, holds what looks like a secret: \(token)",
            subject: context.keptLog.string,
            hint: "keep the script that prints it from doing so"
        )
    }

    /// Writes the separate files of one format.
    ///
    /// - Returns: their names.
    func writeFiles(
        _ rootfs: RootfsDirectory,
        _ templates: ImageTemplates
    ) throws(RootcellarError) -> [String] {
        let compression = context.options.compression
        let tar = try compression.tarForm()
        switch context.options.product {
        case .lxc:
            _ = try lxc(templates).write(to: directory.appending("meta.tar.xz"))
            try pack(rootfs, output(tar, output.rootfsTar))
            return ["meta.tar.xz", output.rootfsTar]
        case .incus(unified: false):
            let squashfs = try compression.squashfsForm()
            _ = try incus(templates, definition.serial).write(to: directory.appending(output.incusMetadata), as: tar)
            try pack(rootfs, output(squashfs, "rootfs.squashfs"))
            return [output.incusMetadata, "rootfs.squashfs"]
        case .incus(unified: true):
            try pack(
                rootfs,
                output(tar, output.unified),
                namePrefix: "rootfs/",
                trailer: try incus(templates, definition.serial)
            )
            return [output.unified]
        case .image, .directory: return []
        }
    }

    private func pack(
        _ rootfs: RootfsDirectory,
        _ file: RootfsPacker.Output,
        namePrefix: String = "./",
        trailer: SmallArchive? = nil
    ) throws(RootcellarError) {
        _ = try context.log.step("pack") { () throws(RootcellarError) in
            try packer.pack(rootfs.path, outputs: [file], namePrefix: namePrefix, trailer: trailer)
        }
    }

    private func output(_ form: RootfsPacker.Form, _ name: String) -> RootfsPacker.Output {
        RootfsPacker.Output(form, name: name, path: directory.appending(name))
    }

    private func write(_ name: String, _ bytes: [UInt8]) throws(RootcellarError) -> ImageDocument.File {
        let path = directory.appending(name)
        try building("write", path.string) { () throws(Errno) in try writeFile(path, bytes) }
        return ImageDocument.File(size: bytes.count, sha256: SHA256Digest(hashing: bytes))
    }

    private func lxc(_ templates: ImageTemplates) throws(RootcellarError) -> SmallArchive {
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
        return archive
    }

    private func incus(
        _ templates: ImageTemplates,
        _ serial: String
    ) throws(RootcellarError) -> SmallArchive {
        let image = definition.definition.image
        let metadata = IncusMetadata(
            architecture: image.architecture.text,
            created: epoch,
            expiry: expiry,
            properties: [
                "architecture": definition.mappedArchitecture, "description": definition.description,
                "name": definition.name, "os": image.distribution, "release": image.release,
                "serial": serial, "variant": image.variant,
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
        return archive
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
        try output.replace(directory, context)
    }
}

extension ResolvedDefinition {
    /// The time that the serial stands for; the time of the run where it is a text of some other form.
    var serialTime: Timestamp { (try? publishedSerial().timestamp) ?? now }
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
