// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Nightly

/// A catalogue of one definition, and moments around it.
enum Samples {
    /// 2026-03-10T12:00:00Z
    static let now = Timestamp(seconds: 1_773_144_000)
    static let definition = """
        image:
          distribution: debian
        source:
          downloader: debootstrap
        packages:
          manager: apt

        """

    static func hours(_ count: Int64) -> Timestamp { now.adding(seconds: count * 3600) }

    static func matrix(
        _ catalog: String,
        _ definitions: [String: String] = ["x/d.yaml": Samples.definition]
    ) throws(RootcellarError) -> BuildMatrix {
        try BuildMatrix(
            BuildCatalogFile.load(text: catalog, path: "x/c.yaml"),
            directory: "x",
            now: now
        ) { path throws(RootcellarError) in
            guard let text = definitions[path] else {
                throw RootcellarError(.definition, "cannot read", subject: path)
            }
            return Array(text.utf8)
        }
    }

    /// One image, `debian/trixie/amd64/default`.
    static func image(
        _ more: String = "",
        definition: String = Samples.definition
    ) throws(RootcellarError) -> CatalogImage {
        let text = "images:\n- definition: d.yaml\n  releases: [trixie]\n  architectures: [amd64]\n"
        return try matrix(text + more, ["x/d.yaml": definition]).images[0]
    }

    static func build(
        _ image: CatalogImage,
        at time: Timestamp,
        lifetime: Int = 30 * 86400,
        inputs: BuildInputs? = nil
    ) -> PublishedBuild {
        PublishedBuild(serial: Serial(time), lifetime: lifetime, inputs: inputs ?? image.inputs)
    }
}
