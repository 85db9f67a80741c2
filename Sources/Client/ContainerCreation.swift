// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
package import Model
package import SystemPackage

/// Makes a container for lxc-create of an image: an unpacked rootfs and a configuration.
package struct ContainerCreation {
    /// Where the container goes, as lxc-create says.
    package struct Place: Sendable {
        package var path: FilePath
        package var name: String
        package var rootfs: FilePath
        package var mappedUID: UInt32?
        package var mappedGID: UInt32?

        /// A place.
        package init(path: FilePath, name: String, rootfs: FilePath, mappedUID: UInt32?, mappedGID: UInt32?) {
            self.path = path
            self.name = name
            self.rootfs = rootfs
            self.mappedUID = mappedUID
            self.mappedGID = mappedGID
        }
    }

    private let surroundings: Surroundings
    private let narrator: Narrator

    /// A creation.
    package init(_ surroundings: Surroundings, _ narrator: Narrator) {
        self.surroundings = surroundings
        self.narrator = narrator
    }

    /// Does it all. On failure the rootfs is as empty as it was and the configuration untouched.
    ///
    /// - Parameter choose: finds the image; called when it is known that the container can be made.
    /// - Throws: the class of whatever was wrong first.
    package func run(
        in place: Place,
        choose: () throws(RootcellarError) -> any ContainerImage
    ) throws(RootcellarError) {
        let rootfs = try openRootfs(place.rootfs)
        defer { try? rootfs.close() }
        let image = try choose()
        let configuration = try configuration(image.metadata.configuration, place)
        let mode = (try? rootfs.status().mode) ?? 0o755
        let report: UnpackPipeline.Report
        do throws(RootcellarError) {
            report = try image.unpack(into: rootfs, tokens: tokens(place))
            try Interruption.check()
            try image.remember()
            try writeConfiguration(configuration, place)
        } catch {
            try? emptyRootfs(rootfs)
            try? rootfs.changeMode(mode)
            throw error
        }
        if !report.leftOut.isEmpty { narrator.warn("left out: \(report.leftOut.description)") }
        let message = image.metadata.message
        if !message.isEmpty { narrator.progress("\n---\n\(message)") }
    }

    // MARK: - The container

    private func openRootfs(_ path: FilePath) throws(RootcellarError) -> FileDescriptor {
        do {
            let rootfs = try FileDescriptor.open(path, .readOnly, options: [.directory, .closeOnExec])
            let names = try rootfs.names()
            guard names.allSatisfy({ $0.elementsEqual("lost+found".utf8) }) else {
                try? rootfs.close()
                throw RootcellarError(.policy, "the rootfs is not empty", subject: path.string)
            }
            return rootfs
        } catch let error as RootcellarError {
            throw error
        } catch {
            throw RootcellarError(.policy, "cannot open the rootfs: \(error)", subject: path.string)
        }
    }

    private func tokens(_ place: Place) -> [String: String] {
        [
            "LXC_NAME": place.name, "LXC_PATH": place.path.string, "LXC_ROOTFS": place.rootfs.string,
            "LXC_TEMPLATE_CONFIG": surroundings.lxcConfiguration.string, "LXC_HOOK_DIR": "/usr/share/lxc/hooks",
        ]
    }

    private func configuration(
        _ image: ImageConfiguration,
        _ place: Place
    ) throws(RootcellarError) -> String {
        let path = place.path.appending("config")
        // A directory without a configuration is how programs use a template without LXC.
        let existing = try readFile(path, limit: 1 << 20, .policy) ?? []
        let isInstalled = Self.isReadable(surroundings.lxcConfiguration.string)
        if !isInstalled { narrator.warn("LXC is not installed here; the configuration includes files of it") }
        return try ContainerConfiguration(
            existing: String(decoding: existing, as: UTF8.self),
            path: path.string
        ).text(
            image: image,
            directory: surroundings.lxcConfiguration.string,
            exists: { !isInstalled || Self.isReadable($0) },
            name: place.name
        )
    }

    private static func isReadable(_ path: String) -> Bool {
        unsafe FilePath(path).withPlatformString { unsafe access($0, R_OK) == 0 }
    }

    /// lxc-create reads the file again as the user outside the namespace, so it is given to that user.
    private func writeConfiguration(_ text: String, _ place: Place) throws(RootcellarError) {
        let path = place.path.appending("config")
        // The rootfs is not flushed either: lxc-create begins anew after a power cut, whatever is there.
        try replaceFile(path, Array(text.utf8), mode: 0o640, .policy, isDurable: false)
        guard let uid = place.mappedUID else { return }
        do {
            let file = try FileDescriptor.open(path, .readOnly, options: [.closeOnExec, .noFollow])
            defer { try? file.close() }
            try file.changeOwner(uid: uid, gid: place.mappedGID ?? 0)
        } catch {
            throw RootcellarError(
                .policy,
                "cannot give the configuration to its user: \(error)",
                subject: path.string
            )
        }
    }
}
