// SPDX-License-Identifier: Apache-2.0

/// `source`: where the first files come from.
package struct SourceSection: Hashable, Sendable {
    /// Where the section begins.
    package var position: SourcePosition = .default
    /// The downloader.
    package var downloader: Downloader = .debootstrap
    /// Where the downloader was named.
    package var downloaderPosition: SourcePosition = .default
    /// A template: base mirror, tarball, reference or repository file, by downloader.
    package var url = SourceText("")
    /// Templates: armored public keys or fingerprints.
    package var keys: [SourceText] = []
    /// Where keys given by fingerprint would be fetched.
    package var keyserver = ""
    /// A flavour, by downloader: for debootstrap its `--variant`.
    package var variant = ""
    /// debootstrap only: the suite, where it is not the release.
    package var suite = ""
    /// debootstrap: the release whose script serves; alpinelinux: the release that `edge` starts from.
    package var sameAs = ""
    /// Whether the definition asks not to verify what is fetched.
    package var skipVerification = false
    /// Components of the archive; for rpmbootstrap templates of further packages.
    package var components: [SourceText] = []
}
