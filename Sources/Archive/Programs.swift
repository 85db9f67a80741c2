// SPDX-License-Identifier: Apache-2.0

import Glibc
package import SystemPackage

/// The file of a program by name, from PATH and the system's directories for programs (which a user's PATH often
/// leaves out); nil if it is not installed.
package func findProgram(_ name: String) -> FilePath? {
    let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
    let folders =
        path.split(separator: ":").map(String.init) + ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    for folder in folders where folder.hasPrefix("/") {
        let candidate = FilePath(folder).appending(name)
        if unsafe candidate.withPlatformString({ unsafe access($0, X_OK) }) == 0 { return candidate }
    }
    return nil
}

/// Removes a file; one that is not there is fine.
package func removeFile(_ path: FilePath) { _ = unsafe path.withPlatformString { unsafe unlink($0) } }
