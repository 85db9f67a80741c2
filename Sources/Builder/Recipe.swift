// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// How an image was made, as its document says.
package struct Recipe {
    /// The overrides that it was built with, in order.
    package let recordedOverrides: [String]
    /// The same and the serial, which is of the image and not of the day on which it is made again.
    package let overrides: [String]
    /// Its SOURCE_DATE_EPOCH.
    package let epoch: Timestamp

    /// Reads the document of an image directory.
    ///
    /// - Throws: `META` if there is none.
    package init(of directory: FilePath) throws(RootcellarError) {
        guard let document = BuildState.document(directory) else {
            throw RootcellarError(.meta, "not an image directory", subject: directory.string)
        }
        var recorded: [String] = []
        while let next = document.inputs["override.\(recorded.count + 1)"] { recorded.append(next) }
        recordedOverrides = recorded
        overrides =
            recorded
            + (recorded.contains { $0.hasPrefix("image.serial=") }
                ? [] : ["image.serial=\(document.inputs["image.serial"] ?? document.serial.description)"])
        epoch = document.created
    }
}

/// Removes an image directory that is not wanted any more.
package func removeImageDirectory(_ path: FilePath) throws {
    guard BuildState.document(path) != nil else { return }
    try removeHostDirectory(path)
}
