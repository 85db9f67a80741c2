// SPDX-License-Identifier: Apache-2.0

package import Model
import SystemPackage

/// Checks a tree in an object store as `TreeCheck` does one in a directory. Each object is read once at most.
package struct RemoteCheck {
    /// How many builds are read to the last byte, chosen by chance; nil for all.
    package var sample: Int?

    private let remote: RemoteTree
    private let fingerprint: Fingerprint
    private let now: Timestamp

    /// - Parameter fingerprint: the root key that clients pin.
    package init(_ remote: RemoteTree, fingerprint: Fingerprint, now: Timestamp) {
        self.remote = remote
        self.fingerprint = fingerprint
        self.now = now
    }

    /// Checks everything. Where somebody publishes meanwhile it begins anew.
    ///
    /// - Throws: the error of the first thing wrong, its subject the file.
    package func run() throws(RootcellarError) -> CheckReport {
        try remote.open()
        let bench = try Workbench(remote.layout)
        defer { bench.close() }
        for attempt in 1...3 {
            let copy = RemoteCopy(remote.store, top: bench.path.appending("\(attempt)"))
            do throws(RootcellarError) {
                try copy.make()
                var check = TreeCheck(tree: copy.layout.top, fingerprint: fingerprint, now: now)
                check.sample = sample
                check.remote = copy
                let report = try check.run()
                if !copy.isOutdated() { return report }
            } catch {
                if !copy.isOutdated() { throw error }
            }
            try Disk.remove(copy.layout.top)
        }
        throw RootcellarError(
            .repository,
            "somebody publishes all the time",
            subject: remote.name,
            hint: "try again later"
        )
    }
}
