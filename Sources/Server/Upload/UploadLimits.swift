// SPDX-License-Identifier: Apache-2.0

/// What uploads may cost.
package struct UploadLimits: Sendable {
    /// Bytes of one upload.
    package var uploadBytes = 16 << 30
    /// Bytes that were declared by all uploads which nobody has taken yet.
    package var totalBytes = 256 << 30
    /// The same of one token.
    package var tokenBytes = 64 << 30
    /// Bytes of the file system that are left to others, whatever was declared.
    package var reserveBytes = 1 << 30
    /// One in so many inodes of the file system is left to others.
    package var reserveInodes = 100
    /// Uploads of one token which nobody has taken yet.
    package var uploadsPerToken = 256
    /// Seconds after which an upload that nobody goes on with is removed.
    package var lifetime: Int64 = 7 * 86400
    /// Seconds after which it is forgotten what became of an upload.
    package var memory: Int64 = 90 * 86400

    /// The defaults.
    package init() {}
}
