// SPDX-License-Identifier: Apache-2.0

import Archive
package import ArgumentParser
package import Model
import OpenPGP
import Transfer

/// The libraries below and the least versions that are known to do what is asked of them.
package struct LibraryVersions: Encodable {
    package struct Library: Encodable {
        package var version: String
        package var minimum: String
    }

    package var format = documentFormat
    package var rootcellar = programVersion
    package var libraries: [String: Library]

    /// Those of this process.
    package init() throws(RootcellarError) {
        let archive = ArchiveVersions.current
        libraries = [
            "libarchive": Library(version: archive.libarchive, minimum: ArchiveVersions.minimumLibarchive),
            "libzstd": Library(version: archive.libzstd, minimum: ArchiveVersions.minimumLibzstd),
            "libcurl": Library(version: CurlVersion.current.version, minimum: CurlVersion.minimum),
            "gpgme": Library(version: try OpenPGPEngine.versions().library, minimum: OpenPGPEngine.minimumLibrary),
        ]
    }

    /// Prints them.
    package func print(json: Bool) throws(RootcellarError) {
        if json { return try sayJSON(self) }
        say("rootcellar \(rootcellar)")
        for (name, library) in libraries.sorted(by: { $0.key < $1.key }) {
            say("\(name) \(library.version) (at least \(library.minimum))")
        }
    }

    /// - Throws: `POLICY` or, for gpgme, `SIGNATURE`, naming the library that is too old.
    package static func check() throws(RootcellarError) {
        try ArchiveVersions.current.check()
        try CurlVersion.current.check()
        try OpenPGPEngine.check()
    }
}

/// `version`.
package struct ClientVersionCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Show the versions of this program and its libraries"
    )

    @Flag(help: "Print JSON.") private var json = false

    package init() {}

    package func run() throws { try LibraryVersions().print(json: json) }
}
