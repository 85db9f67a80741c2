// SPDX-License-Identifier: Apache-2.0

/// Makes what people look at from what a tree has published. Derived: whatever is lost can be made again.
package protocol TreePages: Sendable {
    /// Brings the pages of a tree up to date. Only what is no longer right is written.
    ///
    /// - Throws: if something cannot be read or written.
    func update(_ tree: PublishedState, files: some TreeFiles) throws(RootcellarError)
}

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
}

/// The files of a tree, by their paths relative to its top.
package protocol TreeFiles {
    /// A whole file; nil if there is none.
    ///
    /// - Throws: `SIZE` over `limit`, `REPOSITORY` if it cannot be read.
    func read(_ path: String, limit: Int) throws(RootcellarError) -> [UInt8]?

    /// Puts a file in its place at once, unless it is there with just these bytes.
    func write(_ bytes: [UInt8], to path: String) throws(RootcellarError)

    /// Removes a file, if it is there.
    func remove(_ path: String) throws(RootcellarError)
}
