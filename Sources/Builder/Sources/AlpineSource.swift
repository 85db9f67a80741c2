// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import SystemPackage

/// The downloader `alpinelinux-http`: Alpine's minimal root. `edge` has none of its own; it begins as the release that
/// `same_as` names.
struct AlpineSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let definition = context.definition.definition
        let release = definition.image.release
        let start = release == "edge" ? definition.source.sameAs : release
        guard !start.isEmpty else {
            throw RootcellarError(
                .definition,
                "edge begins as another release, which source.same_as has to name",
                subject: "\(definition.source.position)"
            )
        }
        let words = start.split(separator: ".").map(String.init)
        let branch = "v" + words.prefix(2).joined(separator: ".")
        let architecture = context.definition.mappedArchitecture
        let directory = "\(branch)/releases/\(architecture)"
        let fetch = try SourceFetch(context)
        let name =
            words.count > 2
            ? "alpine-minirootfs-\(start)-\(architecture).tar.gz"
            : try fetch.newest(
                in: directory,
                from: "alpine-minirootfs-\(start).",
                to: "-\(architecture).tar.gz",
                where: { !$0.contains("_rc") }
            )
        let path = "\(directory)/\(name)"
        let state = try fetch.image(
            path,
            [.signature("\(path).asc"), .plainList("\(path).sha256", .sha256)]
        )
        if release == "edge" { try becomeEdge(branch, state.epoch) }
        return state
    }

    private func becomeEdge(_ branch: String, _ epoch: Timestamp) throws(RootcellarError) {
        let rootfs = try RootfsDirectory(context.directory.rootfs)
        let path = "/etc/apk/repositories"
        let text = String(decoding: try rootfs.read(path) ?? [], as: UTF8.self)
        try rootfs.write(path, Array(text.replacing("/\(branch)/", with: "/edge/").utf8))
        try context.runInside(["apk", "upgrade", "--update-cache", "--available"], epoch)
    }
}

extension BuildContext {
    /// Runs a program of the image while its source is still at work.
    ///
    /// - Throws: `BUILD` with its last words if it fails.
    func runInside(_ command: [String], _ epoch: Timestamp) throws(RootcellarError) {
        try directory.beginPhase()
        let position = log.position()
        log.note(command.joined(separator: " "))
        let status = try sandbox.run(
            command,
            environment: ScriptEnvironment.variables(
                clearDefaults: false,
                variables: [],
                epoch: epoch,
                proxy: options.proxy
            )
        )
        guard status == 0 else {
            let said = log.tail(since: position, lines: 5).joined(separator: " | ")
            throw RootcellarError(
                .build,
                "'\(command.first ?? "")' ended with status \(status): \(said)",
                subject: command.dropFirst().joined(separator: " "),
                hint: "the log is \(keptLog.string)"
            )
        }
    }
}
