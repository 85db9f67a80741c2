// SPDX-License-Identifier: Apache-2.0

package import Model
import SystemPackage

/// The Incus or LXD of this machine, spoken to by its own client.
package enum LocalImageStore {
    /// Puts the files of an image into the store.
    ///
    /// - Parameters: alias: a name for it; none if empty.
    /// - Throws: `POLICY` if there is no client, `BUILD` with its words if it refuses.
    package static func importImage(_ image: BuiltImage, alias: String) throws(RootcellarError) {
        guard let client = HostProgram.find("incus") ?? HostProgram.find("lxc") else {
            throw RootcellarError(
                .policy,
                "there is no client of Incus or LXD to import with; the files are made",
                subject: image.path.string,
                hint: "install 'incus-client' or 'lxd-client'"
            )
        }
        let arguments =
            ["image", "import"] + image.files.map { image.path.appending($0).string }
            + (alias.isEmpty ? [] : ["--alias", alias])
        let status = try HostProgram.run(
            client,
            arguments,
            environment: ["PATH": HostProgram.searchPath, "HOME": "/root", "LC_ALL": "C.UTF-8"],
            output: .standardError
        )
        guard status == 0 else {
            throw RootcellarError(.build, "'\(client.string) image import' ended with \(status)", subject: alias)
        }
    }
}
