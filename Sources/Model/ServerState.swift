// SPDX-License-Identifier: Apache-2.0

/// What is remembered of a server between runs, so that it cannot go back behind what it has shown before.
package struct ServerState: Document {
    package static let title = "state of a server"
    package var format = documentFormat
    /// The server's name for itself.
    package var server: String
    /// The pins under which the root document was accepted.
    package var pins: [Fingerprint]
    /// The newest accepted root document, as the signed file it came in.
    package var root: String
    /// The newest accepted pointer, as the signed file it came in.
    package var pointer: String
    /// The entity tag that came with the pointer.
    package var etag: String?
    /// The address that gave the pointer, if it is not the pinned one: an entity tag is for one server only.
    package var address: String?
    /// The newest accepted manifest.
    package var manifest: Pointer.Manifest
    /// The latest time at which an accepted pointer was signed: no clock can be right that is before it.
    package var signedAt: Timestamp

    /// A state to remember.
    package init(
        server: String,
        pins: [Fingerprint],
        root: String,
        pointer: String,
        etag: String?,
        address: String? = nil,
        manifest: Pointer.Manifest,
        signedAt: Timestamp
    ) {
        self.server = server
        self.pins = pins
        self.root = root
        self.pointer = pointer
        self.etag = etag
        self.address = address
        self.manifest = manifest
        self.signedAt = signedAt
    }
}
