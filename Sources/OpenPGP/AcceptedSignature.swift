// SPDX-License-Identifier: Apache-2.0

package import Model

/// A signature that was verified and counts.
package struct AcceptedSignature: Sendable, Hashable {
    /// The primary key it is by, whichever subkey made it.
    package let primary: Fingerprint
    /// When it was made, by its own word.
    package let made: Timestamp
}
