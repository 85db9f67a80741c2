// SPDX-License-Identifier: Apache-2.0

import CGPGME
package import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// The OpenPGP engine as a whole: gpgme, and the gpg that it runs.
package enum OpenPGPEngine {
    /// The oldest gpgme that is known to work.
    package static let minimumLibrary = "1.18.0"
    /// The oldest GnuPG that is known to work.
    package static let minimumProgram = "2.2.0"

    /// What is installed.
    package struct Versions: Sendable, Hashable {
        /// The version of gpgme.
        package var library: String
        /// The version of gpg.
        package var program: String
    }

    /// Finds out which versions are installed.
    ///
    /// - Throws: `SIGNATURE` if gpg is missing or one of them is too old.
    package static func versions() throws(RootcellarError) -> Versions {
        let context = try EngineContext(home: PrivateDirectory(), program: nil, subject: "gpg")
        return Versions(library: try library.get(), program: context.programVersion)
    }

    /// Readies gpgme, once for the process. No program is started.
    ///
    /// - Throws: `SIGNATURE` if it is too old.
    package static func check() throws(RootcellarError) { _ = try library.get() }

    private static let library: Result<String, RootcellarError> = {
        // Detection by gpgconf would run five more programs at the first use.
        _ = unsafe gpgme_set_global_flag("disable-gpgconf", "1")
        guard let version = unsafe gpgme_check_version(minimumLibrary) else {
            return .failure(
                RootcellarError(
                    .signature,
                    "gpgme is older than \(minimumLibrary)",
                    subject: "libgpgme",
                    hint: "install a newer libgpgme11"
                )
            )
        }
        return .success(unsafe String(cString: version))
    }()

    /// The path of gpg: the first in PATH, as gpgme itself looks for it.
    ///
    /// - Throws: `SIGNATURE` if there is none.
    static func findProgram() throws(RootcellarError) -> FilePath {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
        let directories = path.split(separator: ":").map(String.init) + ["/usr/bin", "/usr/local/bin", "/bin"]
        for directory in directories where directory.hasPrefix("/") {
            let file = FilePath(directory).appending("gpg")
            if unsafe access(file.string, X_OK) == 0 { return file }
        }
        throw RootcellarError(
            .signature,
            "gpg is not installed, so no signature can be checked",
            subject: "gpg",
            hint: "install the package gnupg"
        )
    }

    /// Whether a dotted version is at least another.
    static func isVersion(_ version: String, atLeast minimum: String) -> Bool {
        !numbers(version).lexicographicallyPrecedes(numbers(minimum))
    }

    private static func numbers(_ version: String) -> [Int] {
        version.split(separator: ".").map { part in Int(part.prefix { $0.isASCII && $0.isNumber }) ?? 0 }
    }
}
