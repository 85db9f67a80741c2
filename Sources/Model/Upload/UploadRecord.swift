// SPDX-License-Identifier: Apache-2.0

/// What a quarantine keeps of an upload: what was declared, and by whom.
package struct UploadRecord: Document {
    package static let title = "upload record"
    package var format = documentFormat
    package var declaration: UploadDeclaration
    /// The name of the token.
    package var token: String
    /// What the token was allowed to upload then; the publisher holds the image against it once more.
    package var images: [ImagePattern]
    package var created: Timestamp

    /// The most bytes of a record.
    package static let limit = 2 * UploadDeclaration.limit

    /// A record of the current format.
    package init(declaration: UploadDeclaration, token: String, images: [ImagePattern], created: Timestamp) {
        self.declaration = declaration
        self.token = token
        self.images = images
        self.created = created
    }
}
