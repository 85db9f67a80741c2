// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import SystemPackage

/// What every step of a build needs to know.
struct BuildContext {
    let options: BuildOptions
    let mode: BuildMode
    let directory: BuildDirectory
    let log: BuildLog
    let cache: BuildCache?
    let sandboxProgram: FilePath
    /// Debian's name of the image's architecture.
    let architecture: String
    /// Where the log will be found when the build has failed.
    let keptLog: FilePath

    var definition: ResolvedDefinition { options.definition }

    /// A sandbox around the root.
    var sandbox: Sandbox {
        Sandbox(
            program: sandboxProgram,
            root: directory.rootfs,
            output: log.descriptor,
            has32Bits: definition.personality == "linux32",
            binds: [(directory.phaseRun, "/run"), (directory.phaseTemporary, "/tmp")]
        )
    }
}
