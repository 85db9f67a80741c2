// SPDX-License-Identifier: Apache-2.0

/// `image`: what the image is.
package struct ImageSection: Hashable, Sendable {
    /// Where the section begins.
    package var position: SourcePosition = .default
    /// The distribution, as in `debian`.
    package var distribution = ""
    /// A template; described by name, release, architecture, variant and serial unless given.
    package var description = SourceText("")
    /// The release, as in `bookworm`.
    package var release = ""
    /// Any name of an architecture; the host's unless given.
    package var architecture = SourceText("")
    /// The variant; `default` unless given.
    package var variant = ""
    /// How long the image is good for, as in `30d`.
    package var expiry = SourceText("")
    /// The build's name; from the clock unless given.
    package var serial = ""
    /// A template; distribution, release, mapped architecture, variant and serial joined by `-` unless given.
    package var name = SourceText("")
}
