// SPDX-License-Identifier: Apache-2.0

/// One build of an image: what it is, every file of it, what is in it and what it was made from. Published as
/// `image.json` beside the files.
package struct ImageDocument: Document {
    package static let title = "image document"
    package var format = documentFormat
    package var distribution: String
    package var release: String
    package var architecture: String
    package var variant: String
    package var serial: Serial
    /// One line for people.
    package var summary: String
    /// When the build was made: its SOURCE_DATE_EPOCH, not the builder's clock.
    package var created: Timestamp
    /// How long a cached copy may be used without asking the server again, in seconds after the minute of the serial.
    package var lifetime: Int
    /// Every file of the build by name, `image.json` itself and signatures left out.
    package var files: [String: File]
    /// The rootfs as an uncompressed tar: what all compressed forms contain.
    package var tar: Tar
    /// Installed packages, sorted by name.
    package var packages: [Package]
    /// What the build was made from: hashes, versions and dates by name.
    package var inputs: [String: String]
    /// Why nobody can vouch for this build, if so: for example a source whose verification was skipped.
    package var taints: [String]
    /// What LXD and Incus call the build, for each rootfs file that they take: the SHA-256 of `incus.tar.xz` followed by
    /// that file. Written when the build is published.
    package var fingerprints: [String: SHA256Digest]?
    /// How each test of the build ended, by the name of the test; nil if it was never tested. Written when the build is
    /// published; `test.json` has the details.
    package var tests: [String: TestReport.Outcome]?
    /// What LXD and Incus have to have or to do for the image, by the words of simplestreams.
    package var requirements: [String: String]?

    /// One file of a build.
    package struct File: Codable, Sendable, Hashable {
        /// Bytes.
        package var size: Int
        /// SHA-256 of the whole file.
        package var sha256: SHA256Digest
        /// SHA-256 of each `blockSize` bytes, for files that are streamed; the last block may be short.
        package var blocks: [SHA256Digest]?

        /// A file of a build.
        package init(size: Int, sha256: SHA256Digest, blocks: [SHA256Digest]? = nil) {
            self.size = size
            self.sha256 = sha256
            self.blocks = blocks
        }

        /// Size and hash alone.
        package var reference: FileReference { FileReference(size: size, sha256: sha256) }
    }

    /// The uncompressed tar of the rootfs.
    package struct Tar: Codable, Sendable, Hashable {
        package var size: Int
        package var sha256: SHA256Digest
        /// How many members it has, the root directory included.
        package var entries: Int
        /// Sum of the sizes of all regular files.
        package var unpackedBytes: Int

        /// The figures of a tar.
        package init(size: Int, sha256: SHA256Digest, entries: Int, unpackedBytes: Int) {
            self.size = size
            self.sha256 = sha256
            self.entries = entries
            self.unpackedBytes = unpackedBytes
        }
    }

    /// One installed package.
    package struct Package: Codable, Sendable, Hashable {
        package var name: String
        package var version: String
        package var architecture: String
        /// The source package, where the package manager knows it.
        package var source: String?

        /// An installed package.
        package init(name: String, version: String, architecture: String, source: String? = nil) {
            self.name = name
            self.version = version
            self.architecture = architecture
            self.source = source
        }
    }

    /// Bytes in one block of `File.blocks`.
    package static let blockSize = 1 << 20
    /// The name under which the document is published.
    package static let fileName = "image.json"
    /// The most bytes an image document may have.
    package static let limit = 64 << 20

    /// An image document of the current format.
    package init(
        name: ImageName,
        serial: Serial,
        summary: String,
        created: Timestamp,
        lifetime: Int,
        files: [String: File],
        tar: Tar,
        packages: [Package],
        inputs: [String: String],
        taints: [String] = []
    ) {
        distribution = name.distribution
        release = name.release
        architecture = name.architecture
        variant = name.variant
        self.serial = serial
        self.summary = summary
        self.created = created
        self.lifetime = lifetime
        self.files = files
        self.tar = tar
        self.packages = packages
        self.inputs = inputs
        self.taints = taints
    }

    /// The image's checked name.
    ///
    /// - Throws: `POLICY` if a part is not a name.
    package func name() throws(RootcellarError) -> ImageName {
        try ImageName(
            distribution: distribution,
            release: release,
            architecture: architecture,
            variant: variant
        )
    }

    /// The file called `name`, with as many block hashes as its size needs if it has any.
    ///
    /// - Throws: `BINDING` if there is no such file or its blocks do not fit its size.
    package func file(_ name: String, subject: String) throws(RootcellarError) -> File {
        guard let file = files[name], file.size >= 0 else {
            throw RootcellarError(.binding, "the image has no file '\(name)'", subject: subject)
        }
        if let blocks = file.blocks {
            let needed = file.size / Self.blockSize + (file.size % Self.blockSize == 0 ? 0 : 1)
            guard blocks.count == needed else {
                throw RootcellarError(
                    .binding,
                    "'\(name)' has \(blocks.count) block hashes where \(needed) are needed",
                    subject: subject
                )
            }
        }
        return file
    }
}
