// SPDX-License-Identifier: Apache-2.0

package import Model

/// The build of an image that readers are given now.
package struct PublishedBuild: Hashable, Sendable {
    package var serial: Serial
    /// How long copies of it are good for, in seconds after the minute of the serial.
    package var lifetime: Int
    /// What it was built from, where its document says so.
    package var inputs: BuildInputs?

    /// The build that a document tells of.
    package init(_ document: ImageDocument) {
        serial = document.serial
        lifetime = document.lifetime
        inputs = BuildInputs(recorded: document.inputs)
    }

    /// A build.
    package init(serial: Serial, lifetime: Int, inputs: BuildInputs?) {
        self.serial = serial
        self.lifetime = lifetime
        self.inputs = inputs
    }
}
