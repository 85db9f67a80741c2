// SPDX-License-Identifier: Apache-2.0

/// How far an upload is: what a server answers.
package struct UploadState: Document {
    package static let title = "upload state"
    package var format = documentFormat
    package var stage: Stage
    /// Why it was refused.
    package var reason: String?
    /// How many bytes there are of each declared file.
    package var received: [String: Int] = [:]

    /// Where it stands.
    package enum Stage: String, Codable, Sendable {
        case receiving
        /// Everything is there; the publisher has not taken it yet.
        case complete
        case published
        case refused
    }

    /// A state of the current format.
    package init(_ stage: Stage, reason: String? = nil, received: [String: Int] = [:]) {
        self.stage = stage
        self.reason = reason
        self.received = received
    }
}
