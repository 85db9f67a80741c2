// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

/// A root directory that an earlier run made: the build works on a copy, so that one directory serves several packs.
struct RootDirectorySource: RootSource {
    let context: BuildContext
    let tree: FilePath

    func fill() throws(RootcellarError) -> OriginState {
        try context.log.step("copy the root directory") { () throws(RootcellarError) in try copy() }
        let rootfs = try RootfsDirectory(context.directory.rootfs)
        // Where no list of an archive is left, the serial is all that says when.
        let first = context.definition.serialTime
        let releases = try ReleaseFile.all(in: rootfs).map(\.date).max()
        return OriginState(epoch: context.options.epoch ?? releases ?? first)
    }

    private func copy() throws(RootcellarError) {
        let program = try HostProgram.require("cp", package: "coreutils")
        let status = try building("open", tree.string) { () throws(Errno) in
            let directory = try openPath(tree, .readOnly, .directory)
            defer { directory.closeQuietly() }
            return try directory.status()
        }
        guard status.uid == 0 else {
            throw RootcellarError(
                .policy,
                "the root directory belongs to somebody whose ids are not mapped here",
                subject: tree.string,
                hint: "pack it as the user who made it, and with the same --rootless or --root"
            )
        }
        let position = context.log.position()
        let result = try HostProgram.run(
            program,
            [
                "--archive", "--one-file-system", "--reflink=auto", "--", "\(tree.string)/.",
                context.directory.rootfs.string,
            ],
            environment: ["PATH": HostProgram.searchPath, "LC_ALL": "C.UTF-8"],
            output: context.log.descriptor
        )
        guard result == 0 else {
            let said = context.log.tail(since: position, lines: 3).joined(separator: " | ")
            throw RootcellarError(
                .build,
                "the root directory cannot be copied: \(said)",
                subject: tree.string
            )
        }
    }
}
