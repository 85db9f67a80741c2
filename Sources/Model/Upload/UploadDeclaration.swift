// SPDX-License-Identifier: Apache-2.0

/// What a builder is about to send: the files of one build by size and hash. Its own hash is the upload's name, so that
/// the same build sent twice is one upload, and no file can be another than was declared.
package struct UploadDeclaration: Document {
    package static let title = "upload declaration"
    package var format = documentFormat
    /// `distribution/release/architecture/variant`.
    package var image: String
    package var serial: Serial
    /// Every file, `image.json` and what there is of tests among them.
    package var files: [String: FileReference]

    /// The most bytes of a declaration, and the most files of an upload.
    package static let limit = 256 << 10
    package static let most = 256

    /// A declaration of the current format.
    package init(image: ImageName, serial: Serial, files: [String: FileReference]) {
        self.image = image.path
        self.serial = serial
        self.files = files
    }

    /// The checked name of the image.
    ///
    /// - Throws: `BINDING` if it is none, or a file cannot be one of a build.
    package func name() throws(RootcellarError) -> ImageName {
        let name: ImageName
        do throws(RootcellarError) { name = try ImageName(path: image) } catch {
            throw RootcellarError(.binding, "not the name of an image", subject: image)
        }
        guard name.path == image else {
            throw RootcellarError(.binding, "not the whole name of an image", subject: image)
        }
        guard files[ImageDocument.fileName] != nil, files.count <= Self.most else {
            throw RootcellarError(.binding, "\(files.count) files are no build", subject: image)
        }
        for (file, reference) in files {
            guard ImageDocument.isFileName(file) || file == ImageDocument.fileName, reference.size >= 0,
                reference.size <= 1 << 48
            else { throw RootcellarError(.binding, "no file of a build", subject: "\(image) '\(file)'") }
        }
        return name
    }

    /// Bytes of all files.
    package var size: Int { files.values.reduce(0) { $0 + $1.size } }
}
