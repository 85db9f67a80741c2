// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
import Model
import SystemPackage

/// The downloader `busybox`: BusyBox compiled on this machine, statically, and a link for each of its programs.
struct BusyBoxSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let make = try HostProgram.require("make", package: "make")
        _ = try HostProgram.require("gcc", package: "gcc")
        let name = "busybox-\(context.definition.definition.image.release)"
        let fetch = try SourceFetch(context)
        let file = try fetch.verified(
            "\(name).tar.bz2",
            [.signature("\(name).tar.bz2.sig"), .plainList("\(name).tar.bz2.sha256", .sha256)]
        )
        let source = context.directory.scratch.appending("source")
        let newest = try SourceUnpacking(file: file, log: context.log).run(into: source)
        let state = fetch.state(newest)
        let tree = source.appending(name)
        try context.log.step("compile \(name)") { () throws(RootcellarError) in
            try run(make, ["-C", tree.string, "defconfig"], state.epoch)
            let path = tree.appending(".config")
            try building("configure", path.string) { () throws(Errno) in
                let text = String(decoding: try readFile(path), as: UTF8.self)
                    .replacing("# CONFIG_STATIC is not set", with: "CONFIG_STATIC=y")
                try writeFile(path, Array(text.utf8))
            }
            try run(
                make,
                ["-C", tree.string, "-j", "\(context.options.threads)", "busybox", "busybox.links"],
                state.epoch
            )
        }
        try install(tree)
        try building("empty", source.string) { () throws(Errno) in try removeHostDirectory(source) }
        return state
    }

    private func run(_ make: FilePath, _ arguments: [String], _ epoch: Timestamp) throws(RootcellarError) {
        let position = context.log.position()
        let status = try HostProgram.run(
            make,
            arguments,
            environment: [
                "PATH": HostProgram.searchPath, "HOME": "/root", "LC_ALL": "C", "KCONFIG_NOTIMESTAMP": "1",
                "SOURCE_DATE_EPOCH": "\(epoch.seconds)", "TMPDIR": context.directory.temporary.string,
            ],
            output: context.log.descriptor
        )
        guard status == 0 else {
            let said = context.log.tail(since: position, lines: 4).joined(separator: " | ")
            throw RootcellarError(.build, "make ended with \(status): \(said)", subject: arguments.last ?? "")
        }
    }

    private func install(_ tree: FilePath) throws(RootcellarError) {
        let rootfs = try RootfsDirectory(context.directory.rootfs)
        for directory in ["dev", "mnt", "proc", "root", "sys", "tmp"] { try rootfs.makeDirectory("/\(directory)") }
        let (program, links) = try building("read", tree.string) { () throws(Errno) in
            (
                try readFile(tree.appending("busybox")),
                String(decoding: try readFile(tree.appending("busybox.links")), as: UTF8.self)
            )
        }
        try rootfs.write("/bin/busybox", program, mode: 0o755)
        for link in links.split(separator: "\n") where link.hasPrefix("/") && link != "/bin/busybox" {
            try rootfs.link(String(link), to: "/bin/busybox")
        }
    }
}
