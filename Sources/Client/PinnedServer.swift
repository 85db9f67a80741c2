// SPDX-License-Identifier: Apache-2.0

package import Model
import SystemPackage
package import Transfer

/// A server whose root keys a user or an administrator has decided to believe: one file of `trust.d`.
package struct PinnedServer: Sendable, Equatable {
    /// Where it is.
    package var address: ServerAddress
    /// Primary keys of which at least one has to have signed the server's root document.
    package var fingerprints: [Fingerprint]
    /// The server's name for itself, learned at first contact. What it signs for another name is refused.
    package var id: String?
    /// A file of certification authorities to believe instead of the system's.
    package var certificateAuthorities: String?
    /// Other addresses of the same tree, beside those that its manifest names.
    package var mirrors: [ServerAddress] = []
    /// PEM files of the certificate and key that the server wants to see.
    package var clientCertificate: String?
    package var clientKey: String?
    /// A file with the token that the server wants to see.
    package var tokenFile: String?
    /// Keys that this machine's configuration denies; no part of the file.
    package var denied: Set<Fingerprint> = []

    /// A server to pin.
    package init(
        address: ServerAddress,
        fingerprints: [Fingerprint],
        id: String? = nil,
        certificateAuthorities: String? = nil
    ) {
        self.address = address
        self.fingerprints = fingerprints
        self.id = id
        self.certificateAuthorities = certificateAuthorities
    }

    /// Reads a file of `trust.d`.
    ///
    /// - Throws: `POLICY` for an unknown key, a missing `url`, or no `fingerprint`.
    package init(_ text: String, path: String) throws(RootcellarError) {
        let keys = ["url", "fingerprint", "id", "ca", "mirror", "client-cert", "client-key", "token-file"]
        let file = try KeyValueFile(text, path: path, known: keys) { keys.contains($0) }
        guard let url = file["url"] else {
            throw RootcellarError(.policy, "a pinned server without 'url'", subject: path)
        }
        address = try ServerAddress(url)
        fingerprints = []
        for text in file.all("fingerprint") { fingerprints.append(try Fingerprint(text)) }
        guard !fingerprints.isEmpty else {
            throw RootcellarError(.policy, "a pinned server without 'fingerprint'", subject: path)
        }
        id = try file["id"].map { text throws(RootcellarError) in try ImageName.part("server id", text) }
        certificateAuthorities = file["ca"]
        for text in file.all("mirror") { mirrors.append(try ServerAddress(text)) }
        clientCertificate = file["client-cert"]
        clientKey = file["client-key"]
        tokenFile = file["token-file"]
    }

    /// The text of its file.
    package var fileText: String {
        var lines = ["# A server whose root keys are trusted; see rootcellar trust --help.", "url = \(address.url)"]
        lines += fingerprints.map { "fingerprint = \($0)" }
        if let id { lines.append("id = \(id)") }
        if let certificateAuthorities { lines.append("ca = \(certificateAuthorities)") }
        lines += mirrors.map { "mirror = \($0.url)" }
        if let clientCertificate { lines.append("client-cert = \(clientCertificate)") }
        if let clientKey { lines.append("client-key = \(clientKey)") }
        if let tokenFile { lines.append("token-file = \(tokenFile)") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The name of its file: the address with everything that is special in a path replaced.
    package var fileName: String {
        let text = address.url.dropFirst("https://".count)
        let safe = text.map { $0.isLetter || $0.isNumber || $0 == "." || $0 == "-" ? $0 : "_" }
        return String(safe) + ".conf"
    }

    /// Which keys are believed to speak for it.
    var pin: ServerPin { ServerPin(fingerprints: fingerprints, id: id, denied: denied, address: address.url) }

    /// Under which name the server's state is kept.
    package var stateName: String { id ?? fingerprints.map(\.hex).sorted().joined(separator: "-") }
}
