// SPDX-License-Identifier: Apache-2.0

package import Archive
package import Model
package import SystemPackage

/// Something that a container can be made of. Who believes it, and why, is decided before there is one.
package protocol ContainerImage {
    /// Configuration, templates and message, already checked.
    var metadata: ImageMetadata { get }

    /// Fills an empty rootfs.
    ///
    /// - Parameters:
    ///   - rootfs: an empty directory; stays the caller's, who empties it again after a failure.
    ///   - tokens: LXC's tokens and their values, for the files that the metadata names as templates.
    /// - Throws: the class of what was wrong.
    func unpack(into rootfs: FileDescriptor, tokens: [String: String]) throws(RootcellarError) -> UnpackPipeline.Report

    /// Notes in the cache that this image is good. Called when the rootfs is complete.
    ///
    /// - Throws: `CACHE`.
    func remember() throws(RootcellarError)
}
