// SPDX-License-Identifier: Apache-2.0

/// What became of an upload.
package struct UploadOutcome: Document {
    package static let title = "upload outcome"
    package var format = documentFormat
    package var image: String
    package var serial: Serial
    package var token: String
    /// Nil: it was published.
    package var refusal: String?
    package var decided: Timestamp

    /// An outcome of the current format.
    package init(of record: UploadRecord, refusal: String?, decided: Timestamp) {
        image = record.declaration.image
        serial = record.declaration.serial
        token = record.token
        self.refusal = refusal
        self.decided = decided
    }
}
