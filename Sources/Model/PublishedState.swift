// SPDX-License-Identifier: Apache-2.0

/// The documents in force in a tree.
package struct PublishedState: Sendable {
    package let root: RootDocument
    package let manifest: Manifest
    package let pointer: Pointer

    /// The documents of a publication.
    package init(root: RootDocument, manifest: Manifest, pointer: Pointer) {
        self.root = root
        self.manifest = manifest
        self.pointer = pointer
    }

    /// By what the page of the status says which documents all pages were made of. It is written last.
    package var mark: String { "manifest \(manifest.version) signed \(pointer.signedAt)" }
}
