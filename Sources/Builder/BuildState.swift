// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// Everything that decides what a build makes, as one hash: when it is that of the image which is there, nothing has to be
/// done.
enum BuildState {
    /// The input of image.json that holds it.
    static let input = "build.sha256"

    /// The hash; nil where something decides that cannot be known beforehand.
    ///
    /// - Parameters: source: what the source is at the moment (`RootSource.state`).
    static func digest(_ options: BuildOptions, source: [String: String]) throws(RootcellarError) -> SHA256Digest? {
        let definition = options.definition
        // What other archives offer is known only inside the image.
        guard try definition.repositories(options.mode).isEmpty else { return nil }
        var lines = source.map { "\($0.key)=\($0.value)" }.sorted()
        lines += [
            "definition=\(SHA256Digest(hashing: options.definitionText))", "rootcellar=\(programVersion)",
            "mirror=\(options.mirror ?? "")",
            "mirror-key=\(options.mirrorKey.flatMap(fileSum)?.description ?? "")",
            "epoch=\(options.epoch.map { "\($0.seconds)" } ?? "")",
            "levels=\(options.xzLevel) \(options.zstdLevel)",
        ]
        lines += options.overrides.map { "override=\($0)" }
        lines += Provenance.tools().map { "\($0.key)=\($0.value)" }.sorted()
        for item in try definition.files(options.mode) where item.generator == .copy {
            guard let sum = fileSum(FilePath(item.source.text)) else { return nil }
            lines.append("copy=\(sum)")
        }
        return SHA256Digest(hashing: Array(lines.joined(separator: "\n").utf8))
    }

    /// Only of single files; a directory or a pattern may be anything.
    private static func fileSum(_ path: FilePath) -> SHA256Digest? { try? HashedFile.read(path).sha256 }

    /// The image in a directory, if its state is `digest` and every file is what its document says.
    static func unchanged(_ directory: FilePath, _ digest: SHA256Digest) -> ImageDocument? {
        guard let document = document(directory), document.inputs[input] == digest.description else { return nil }
        for (name, file) in document.files {
            guard let found = try? HashedFile.read(directory.appending(name)), found.sha256 == file.sha256 else {
                return nil
            }
        }
        return document
    }

    /// The document of an image directory; nil if there is none that can be read.
    static func document(_ directory: FilePath) -> ImageDocument? {
        let path = directory.appending(ImageDocument.fileName)
        guard let bytes = try? readFile(path, limit: ImageDocument.limit) else { return nil }
        return try? ImageDocument(verified: bytes, subject: path.string)
    }
}
