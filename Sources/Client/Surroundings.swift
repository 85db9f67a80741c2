// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Model
package import SystemPackage

/// What the process was started with, read once: every later decision uses the same values, and tests give their own.
package struct Surroundings: Sendable {
    package var environment: [String: String]
    /// The effective user id, as seen here.
    package var userID: UInt32
    package var namespace: UserNamespace
    /// One reading of the clock for the whole run, so that no two checks disagree about the time.
    package var now: Timestamp
    /// The directory for pinned servers and configuration of the whole machine.
    package var systemConfiguration = FilePath("/etc/rootcellar")
    /// The directory of LXC's own configuration snippets.
    package var lxcConfiguration = FilePath("/usr/share/lxc/config")

    /// Given surroundings.
    package init(
        environment: [String: String],
        userID: UInt32,
        namespace: UserNamespace,
        now: Timestamp
    ) {
        self.environment = environment
        self.userID = userID
        self.namespace = namespace
        self.now = now
    }

    /// Those of this process.
    package static func current() -> Surroundings {
        var environment: [String: String] = [:]
        for name in ["HOME", "LXC_CACHE_PATH", "ROOTCELLAR_ETC"] {
            if let value = unsafe getenv(name) { environment[name] = unsafe String(cString: value) }
        }
        var surroundings = Surroundings(
            environment: environment,
            userID: geteuid(),
            namespace: .current(),
            now: Timestamp(seconds: Int64(time(nil)))
        )
        // For tests and for machines that keep their configuration elsewhere; not for a program whose rights are more
        // than its caller's.
        if let other = environment["ROOTCELLAR_ETC"], other.hasPrefix("/"), getuid() == geteuid() {
            surroundings.systemConfiguration = FilePath(other)
        }
        return surroundings
    }

    /// The home directory, if one is set and absolute.
    package var home: FilePath? {
        guard let home = environment["HOME"], home.hasPrefix("/") else { return nil }
        return FilePath(home)
    }

    /// The user's own directory for pinned servers and configuration.
    package var userConfiguration: FilePath? { home?.appending(".config/rootcellar") }
}
