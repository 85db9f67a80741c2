// SPDX-License-Identifier: Apache-2.0

package import Model

/// What is remembered between runs: how the last attempt at each image went. What is published is not in it; that the tree
/// itself tells.
package struct NightlyState: Document {
    package static let title = "state of nightly runs"
    package var format = documentFormat
    /// The last attempt at each image, by its name.
    package var images: [String: Attempt] = [:]

    /// One image on its way into the tree.
    package struct Attempt: Codable, Sendable, Hashable {
        package var began: Timestamp
        /// When it ended; nil while it lasts, and for ever if it was killed.
        package var ended: Timestamp?
        package var outcome: Outcome?
        /// What was tried.
        package var inputs: BuildInputs
        /// The build that it was about, if it came to one.
        package var serial: Serial?
        /// Why it failed.
        package var failure: Failure?
        /// How many attempts at these inputs have failed, one after the other.
        package var failures = 0

        /// An attempt that begins.
        package init(began: Timestamp, inputs: BuildInputs, failures: Int = 0) {
            self.began = began
            self.inputs = inputs
            self.failures = failures
        }
    }

    /// How an attempt ended.
    package enum Outcome: String, Codable, Sendable, Hashable {
        case published
        /// Whoever has the keys is to publish it.
        case sent
        /// What would be built is what is published.
        case unchanged
        case failed
    }

    /// What went wrong.
    package struct Failure: Codable, Sendable, Hashable {
        package var step: Step
        package var errorClass: ErrorClass
        package var reason: String

        /// A failure.
        package init(step: Step, errorClass: ErrorClass, reason: String) {
            self.step = step
            self.errorClass = errorClass
            self.reason = reason
        }
    }

    /// What is done for an image, in this order.
    package enum Step: String, Codable, Sendable, Hashable, CaseIterable {
        case build, test, publish
    }

    /// The most bytes that are read of one.
    package static let limit = 64 << 20

    /// Nothing was ever tried.
    package init() {}

    /// The last attempt at an image.
    package subscript(name: ImageName) -> Attempt? {
        get { images[name.path] }
        set { images[name.path] = newValue }
    }
}
