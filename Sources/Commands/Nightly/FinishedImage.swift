// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import Nightly
import SystemPackage

/// The image directory that a build has left.
struct FinishedImage {
    let document: ImageDocument
    /// Whether it has passed tests of just these files; nil if it was never tested.
    let hasPassed: Bool?

    /// Reads what is there; nil if that is no image.
    init?(_ directory: FilePath) {
        let path = directory.appending(ImageDocument.fileName)
        guard let bytes = try? readFile(path, limit: ImageDocument.limit),
            let document = try? ImageDocument(verified: bytes, subject: path.string)
        else { return nil }
        self.document = document
        let report = directory.appending(TestReport.fileName)
        guard let text = try? readFile(report, limit: TestReport.limit),
            let result = try? TestReport(verified: text, subject: report.string),
            result.isAbout(document, image: FileReference(of: bytes))
        else {
            hasPassed = nil
            return
        }
        hasPassed = result.hasPassed
    }

    /// Whether this is what is to be published next of an image: made of what it would be made of now, and neither too old
    /// to be worth it nor published already.
    func isUsable(for image: CatalogImage, after latest: Serial?, now: Timestamp) -> Bool {
        guard (try? document.name()) == image.name, BuildInputs(recorded: document.inputs) == image.inputs else {
            return false
        }
        if let latest, document.serial <= latest { return false }
        return !DueDecision(image, published: PublishedBuild(document), attempt: nil, now: now).isDue
    }
}
