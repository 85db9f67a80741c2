// SPDX-License-Identifier: Apache-2.0

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
