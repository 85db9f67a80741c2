// SPDX-License-Identifier: Apache-2.0

import Model

/// What the pages say of one build.
struct BuildFacts {
    let build: IndexShard.Build
    let document: ImageDocument
    /// What booted the build and how long each took, in milliseconds; from `test.json`.
    let boots: [(name: String, milliseconds: Int)]
    /// Why the build was taken back, if it was.
    let revocation: String?

    /// What a client of ours fetches first, and how many bytes that has.
    static let download = "rootfs.tar.zst"

    /// Bytes of the download; of the largest file where a build has no such one.
    var size: Int { document.files[Self.download]?.size ?? document.files.values.map(\.size).max() ?? 0 }

    /// Reads the documents of a build.
    ///
    /// - Throws: if `image.json` is not there or not what the index says. A report of tests that cannot be read only
    ///   leaves out its times.
    init(
        _ build: IndexShard.Build,
        of name: ImageName,
        revocation: String?,
        files: some TreeFiles
    ) throws(RootcellarError) {
        self.build = build
        self.revocation = revocation
        let path = TreePath.file(name, build.serial, ImageDocument.fileName)
        guard let bytes = try files.read(path, limit: min(max(build.image.size, 0), ImageDocument.limit)) else {
            throw RootcellarError(.repository, "the build is not there", subject: path)
        }
        try build.image.check(bytes, subject: path)
        document = try ImageDocument(verified: bytes, subject: path)
        boots = Self.boots(document, TreePath.file(name, build.serial, TestReport.fileName), files)
    }

    private static func boots(
        _ document: ImageDocument,
        _ path: String,
        _ files: some TreeFiles
    ) -> [(name: String, milliseconds: Int)] {
        guard let file = document.files[TestReport.fileName], file.size <= TestReport.limit,
            let bytes = try? files.read(path, limit: max(file.size, 0)),
            (try? file.reference.check(bytes, subject: path)) != nil,
            let report = try? TestReport(verified: bytes, subject: path)
        else { return [] }
        return report.trials.compactMap { trial in
            guard let boot = trial.checks.first(where: { $0.name == "boot" }), boot.outcome == .passed else {
                return nil
            }
            return (trial.name, boot.milliseconds)
        }
    }
}
