// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// A container by lxc-create and lxc-start.
///
/// A privileged one is made by LXC's own template of the files that stock clients fetch, an unprivileged one by ours of
/// those that ours fetch: so that both ways are tried.
struct LXCContainer: BootedContainer {
    let name: String
    let image: TestedImage
    let tool: Tool
    let ground: TestGround
    let isUnprivileged: Bool

    private var directory: FilePath { ground.top.appending("lxc") }
    private var rootfs: FilePath { directory.appending(name).appending("rootfs") }
    private var startLog: FilePath { ground.top.appending("\(name).log") }

    /// The version of LXC; nil if it is not installed.
    static func version(_ tool: Tool) -> String? {
        guard let program = findProgram("lxc-start"), let text = try? tool.need(program, ["--version"], seconds: 10)
        else { return nil }
        return "LXC \(text.filter { !$0.isNewline })"
    }

    func create(userData: String?) throws(CheckFault) -> String {
        if unsafe access(directory.string, F_OK) != 0 { _ = try? ground.directory("lxc") }
        let configuration = ground.top.appending("\(name).conf")
        var lines = [
            "lxc.net.0.type = veth", "lxc.net.0.link = \(TestNetwork.bridge)", "lxc.net.0.flags = up",
            "lxc.net.0.name = \(TestNetwork.interface)",
        ]
        if isUnprivileged {
            lines += ["u", "g"].map { "lxc.idmap = \($0) 0 \(TestGround.firstID) \(TestGround.idCount)" }
        }
        // As distributions configure it where the kernel has AppArmor, and refused where it has not.
        if (try? readStart("/sys/module/apparmor/parameters/enabled", count: 1)) == Array("Y".utf8) {
            lines += ["lxc.apparmor.profile = generated", "lxc.apparmor.allow_nesting = 1"]
        }
        try write(lines, configuration, mode: 0o644)
        let template: String
        let words: [String]
        var seen = "by LXC's own template"
        if isUnprivileged {
            let file = image.document.files["rootfs.tar.zst"] == nil ? "rootfs.tar.xz" : "rootfs.tar.zst"
            let script = ground.top.appending("\(name).template")
            let own = try finding("find the own program") { () throws(Errno) in
                try FilePath("/proc/self/exe").symbolicLinkTarget()
            }
            try write(["#!/bin/sh", "exec '\(own)' download \"$@\""], script, mode: 0o755)
            (template, words) = (script.string, ["--local", image.path(file).string])
            seen = "\(file) by our own template"
        } else {
            (template, words) = ("local", ["--fstree", image.path("rootfs.tar.xz").string])
            seen = "rootfs.tar.xz by LXC's own template"
        }
        try tool.need(
            try program("lxc-create"),
            ["-P", directory.string, "-f", configuration.string, "-n", name, "-t", template, "--"] + words
                + ["--metadata", image.path("meta.tar.xz").string],
            seconds: 300
        )
        if let userData { try seed(userData) }
        return seen
    }

    func start() throws(CheckFault) {
        let result = try tool.run(
            try program("lxc-start"),
            ["-P", directory.string, "-n", name, "-l", "INFO", "-o", startLog.string],
            seconds: 60
        )
        guard result.status != 0 else { return }
        // What LXC itself tells on the way is more than what the program says at the end.
        let lines = Tool.text(startLog).split(separator: "\n").filter { $0.contains(" ERROR ") }
        let first = lines.first.flatMap { $0.split(separator: " - ", maxSplits: 2).last.map(String.init) }
        throw .failed("it does not start: \(first ?? result.lastWord)")
    }

    func process() throws(CheckFault) -> Int {
        let text = try tool.need(
            try program("lxc-info"),
            ["-P", directory.string, "-n", name, "-p", "-H"],
            seconds: 10
        )
        guard let id = Int(text.filter { $0.isNumber }), id > 1 else { throw .failed("it does not run any more") }
        return id
    }

    func attach(_ script: String, seconds: Int) throws(CheckFault) -> Tool.Result {
        try tool.run(
            try program("lxc-attach"),
            ["-P", directory.string, "-n", name, "--clear-env", "--", "/bin/sh", "-c", script],
            seconds: seconds
        )
    }

    func stop(seconds: Int) throws(CheckFault) {
        let result = try tool.run(
            try program("lxc-stop"),
            ["-P", directory.string, "-n", name, "--nokill", "-t", "\(seconds)"],
            seconds: seconds + 10
        )
        guard result.status == 0 else { throw .failed("it does not stop within \(seconds) s: \(result.lastWord)") }
    }

    func kill() {
        guard let program = try? program("lxc-stop") else { return }
        _ = try? tool.run(program, ["-P", directory.string, "-n", name, "-k"], seconds: 30)
    }

    private func program(_ name: String) throws(CheckFault) -> FilePath {
        guard let path = findProgram(name) else { throw .failed("\(name) is not installed") }
        return path
    }

    private func write(_ lines: [String], _ path: FilePath, mode: UInt32) throws(CheckFault) {
        try finding("write \(path)") { () throws(Errno) in
            try writeFile(path, Array(lines.map { $0 + "\n" }.joined().utf8), mode: mode)
        }
    }

    /// Puts user-data where cloud-init looks for it in a container without a service that gives it some. No link of the
    /// image leads out of its root.
    private func seed(_ userData: String) throws(CheckFault) {
        let place = "var/lib/cloud/seed/nocloud-net"
        let owner = UInt32(isUnprivileged ? TestGround.firstID : 0)
        try finding("put user-data into the rootfs") { () throws(Errno) in
            let root = try openPath(rootfs, .readOnly, .directory)
            defer { root.closeQuietly() }
            var parts: [String] = []
            for part in place.split(separator: "/").map(String.init) {
                let parent = try root.openDirectoryBeneath(Array(parts.joined(separator: "/").utf8))
                defer { parent.closeQuietly() }
                if (try? parent.status(of: Array(part.utf8))) == nil {
                    try parent.makeDirectory(Array(part.utf8), mode: 0o755)
                    try parent.changeOwner(of: Array(part.utf8), uid: owner, gid: owner)
                }
                parts.append(part)
            }
            let directory = try root.openDirectoryBeneath(Array(place.utf8))
            defer { directory.closeQuietly() }
            for (file, text) in [
                ("user-data", userData), ("meta-data", "instance-id: \(name)\nlocal-hostname: \(name)\n"),
            ] {
                let target = try directory.createFile(Array(file.utf8), mode: 0o644)
                defer { target.closeQuietly() }
                unsafe try writeAll(target, Array(text.utf8).span.bytes)
                try directory.changeOwner(of: Array(file.utf8), uid: owner, gid: owner)
            }
        }
    }
}
