// SPDX-License-Identifier: Apache-2.0

/// What uploads may cost.
package struct UploadLimits: Sendable {
    /// Bytes of one upload.
    package var uploadBytes = 16 << 30
    /// Bytes that were declared by all uploads which nobody has taken yet.
    package var totalBytes = 256 << 30
    /// Uploads of one token which nobody has taken yet.
    package var uploadsPerToken = 256
    /// Seconds after which an upload that nobody goes on with is removed.
    package var lifetime: Int64 = 7 * 86400
    /// Seconds after which it is forgotten what became of an upload.
    package var memory: Int64 = 90 * 86400

    /// The defaults.
    package init() {}
}
