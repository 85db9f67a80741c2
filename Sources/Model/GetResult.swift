// SPDX-License-Identifier: Apache-2.0

/// The answer for a small file.
package enum GetResult: Sendable, Equatable {
    /// The whole file, and the entity tag to ask with next time.
    case found(bytes: [UInt8], etag: String?)
    /// The file is still the one of the entity tag that was asked with.
    case notModified
    /// The server says that there is no such file (404, 410).
    case missing
}
