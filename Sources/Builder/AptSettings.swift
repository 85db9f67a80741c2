// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// Settings of apt that hold while an image is built, and stay nowhere in it: whoever uses the image has other servers,
/// and verifies what they send.
struct AptSettings {
    /// What a line of apt begins with that names a file which cannot be had, or is not what the archive's list says.
    static let notFetched = "E: Failed to fetch "

    /// Names and values, as apt.conf(5) has them.
    let values: [(name: String, value: String)]

    /// - Parameter authorities: where apt finds the configured certificate authorities.
    init(_ options: BuildOptions, authorities: String) {
        var values: [(name: String, value: String)] = []
        if options.certificateAuthorities != nil { values.append(("Acquire::https::CAInfo", authorities)) }
        if options.definition.definition.source.skipVerification {
            values += [("Acquire::AllowInsecureRepositories", "true"), ("APT::Get::AllowUnauthenticated", "true")]
        }
        self.values = values
    }

    /// The text of a configuration file.
    var text: String { values.map { "\($0.name) \"\($0.value)\";\n" }.joined() }

    /// The words of a command line.
    var words: [String] { values.flatMap { ["-o", "\($0.name)=\($0.value)"] } }

    /// Copies the configured authorities, if there are any, to where the user that apt downloads as can read them.
    ///
    /// - Throws: `SOURCE` if they cannot be read, `BUILD` if they cannot be written.
    static func copyAuthorities(_ options: BuildOptions, to path: FilePath) throws(RootcellarError) {
        guard let file = options.certificateAuthorities else { return }
        let bytes: [UInt8]
        do throws(Errno) {
            bytes = try readFile(FilePath(file))
        } catch {
            throw RootcellarError(.source, "cannot read the certificate authorities: \(error)", subject: file)
        }
        try building("write", path.string) { () throws(Errno) in try writeFile(path, bytes) }
    }
}
