// SPDX-License-Identifier: Apache-2.0

/// Makes what people look at from what a tree has published. Derived: whatever is lost can be made again.
package protocol TreePages: Sendable {
    /// Brings the pages of a tree up to date. Only what is no longer right is written.
    ///
    /// - Throws: if something cannot be read or written.
    func update(_ tree: PublishedState, files: some TreeFiles) throws(RootcellarError)
}
