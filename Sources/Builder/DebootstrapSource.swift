// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `debootstrap`: an archive of Debian's form.
struct DebootstrapSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let source = context.definition.definition.source
        let keyring = try Keyring.write(source.keys, below: context.directory.temporary)
        let bootstrap = try Bootstrap(context, keyring: keyring)
        try context.log.step("read the archive") { () throws(RootcellarError) in try bootstrap.fetch() }
        let rootfs = try RootfsDirectory(context.directory.rootfs)
        guard let first = try ReleaseFile.all(in: rootfs).map(\.date).max() else {
            throw RootcellarError(.source, "the archive has no Release file, so that the image would have no date")
        }
        let epoch = try ImageBuilder.epoch(context, rootfs, atLeast: first)
        try context.log.step("bootstrap") { () throws(RootcellarError) in try bootstrap.install(epoch: epoch) }
        return OriginState(
            epoch: epoch,
            taints: source.skipVerification
                ? ["source.skip_verification: the archive's signatures were not checked"] : []
        )
    }
}
