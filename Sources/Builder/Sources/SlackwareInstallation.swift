// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// Installs packages of Slackware's form into an empty root, as installpkg(8) does: all archives are unpacked, then each
/// package's script is run.
///
/// The scripts make the links without which no program of the image runs, so they are run by a static busybox of this
/// machine, in the sandbox.
struct SlackwareInstallation {
    /// Where a distribution keeps what it knows of its packages.
    struct Database {
        /// Below it are `packages`, `scripts` and more.
        var directory: String
        /// Whether files there are called by the whole name of a package or by the name alone.
        var hasFullNames: Bool
        /// Whether a package may have a script for the first start.
        var hasStartScripts = false
    }

    let context: BuildContext
    let database: Database
    private let rootfs: RootfsDirectory
    private var scripts: [(package: SlackwarePackage, text: String)] = []
    /// The newest time of what was in the packages.
    private(set) var newest = Timestamp(seconds: 0)

    /// Where the sandbox has the programs for scripts.
    private static let tools = "/run/rootcellar"

    init(_ context: BuildContext, _ database: Database) throws(RootcellarError) {
        self.context = context
        self.database = database
        rootfs = try RootfsDirectory(context.directory.rootfs)
        for name in ["packages", "scripts"] { try rootfs.makeDirectory("\(database.directory)/\(name)") }
    }

    // MARK: - Archives

    /// Unpacks a package.
    ///
    /// - Throws: `SOURCE` for one that is damaged or collides with another.
    mutating func unpack(_ file: FetchedFile) throws(RootcellarError) {
        guard let package = SlackwarePackage(file: file.name) else {
            throw RootcellarError(.source, "not the name of a package", subject: file.name)
        }
        let place = context.directory.scratch.appending("package")
        newest = max(newest, try SourceUnpacking(file: file, log: context.log).run(into: place))
        let inner = try RootfsDirectory(place)
        let names = Self.members(inner)
        let script = try inner.read("/install/doinst.sh").map { String(decoding: $0, as: UTF8.self) }
        let description = String(decoding: try inner.read("/install/slack-desc") ?? [], as: UTF8.self)
        let start = database.hasStartScripts ? try inner.read("/install/initpkg") : nil
        try inner.remove("/install")
        try merge(place, "", file.name)
        try building("empty", place.string) { () throws(Errno) in try removeHostDirectory(place) }
        let name = database.hasFullNames ? package.full : package.name
        try rootfs.write("\(database.directory)/packages/\(name)", record(package, file, names, description))
        if let script {
            try rootfs.write("\(database.directory)/scripts/\(name)", Array(script.utf8), mode: 0o755)
            scripts.append((package, script))
        }
        if let start { try rootfs.write("\(database.directory)/initpkg/\(name)", start, mode: 0o755) }
        try building("forget", file.path.string) { () throws(Errno) in try truncateAndRewind(file.descriptor) }
    }

    /// What is below a directory, directories with a slash behind them, each before what is in it.
    private static func members(_ root: RootfsDirectory) -> [String] {
        var result = ["./"]
        func walk(_ path: String) {
            for name in root.names("/\(path)") {
                let inner = path + String(decoding: name, as: UTF8.self)
                if inner == "install" { continue }
                if root.isDirectory("/\(inner)") {
                    result.append("\(inner)/")
                    walk("\(inner)/")
                } else {
                    result.append(inner)
                }
            }
        }
        walk("")
        return result
    }

    private func record(
        _ package: SlackwarePackage,
        _ file: FetchedFile,
        _ names: [String],
        _ description: String
    ) -> [UInt8] {
        let lines = description.split(separator: "\n").filter { $0.hasPrefix("\(package.name):") }
        return Array(
            """
            PACKAGE NAME:     \(package.full)
            COMPRESSED PACKAGE SIZE:     \(file.size >> 10)K
            PACKAGE LOCATION: ./\(file.name)
            PACKAGE DESCRIPTION:
            \(lines.map { "\($0)\n" }.joined())FILE LIST:
            \(names.joined(separator: "\n"))

            """.utf8
        )
    }

    /// Moves what is in a directory into the root. Directories that are there already stay, files are replaced, as tar(1)
    /// does it.
    private func merge(_ place: FilePath, _ path: String, _ subject: String) throws(RootcellarError) {
        let (from, names, into) = try building("open", place.string) { () throws(Errno) in
            let from = try openPath(place, .readOnly, [.directory, .noFollow])
            return (from, try from.names(), try rootfs.open(Array("./\(path)".utf8), O_RDONLY | O_DIRECTORY))
        }
        defer {
            from.closeQuietly()
            into.closeQuietly()
        }
        for name in names {
            let text = String(decoding: name, as: UTF8.self)
            let inner = path.isEmpty ? text : "\(path)/\(text)"
            let isDirectory = try building("look at", inner) { () throws(Errno) in
                try from.status(of: name).kind == .directory
            }
            let there = rootfs.status(inner)
            if isDirectory, let there, there.kind == .directory {
                try merge(place.appending(text), inner, subject)
                try building("finish", inner) { () throws(Errno) in
                    let new = try from.status(of: name)
                    let directory = try rootfs.open(Array(inner.utf8), O_RDONLY | O_DIRECTORY)
                    defer { directory.closeQuietly() }
                    try directory.changeOwner(uid: new.uid, gid: new.gid)
                    try directory.changeMode(new.mode)
                }
                continue
            }
            guard !isDirectory || there == nil, isDirectory || !rootfs.isDirectory(inner) else {
                throw RootcellarError(.source, "a directory and a file of another package collide", subject: subject)
            }
            try building("move", inner) { () throws(Errno) in try move(name, from, into) }
        }
    }

    private func move(_ name: [UInt8], _ from: FileDescriptor, _ into: FileDescriptor) throws(Errno) {
        let text = name.map { CChar(bitPattern: $0) } + [0]
        let result = unsafe text.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return CInt(-1) }
            return unsafe renameat(from.rawValue, base, into.rawValue, base)
        }
        if result != 0 { throw Errno(rawValue: errno) }
    }

    // MARK: - Scripts

    /// Runs the packages' scripts, in the order of their installation.
    func runScripts() throws(RootcellarError) {
        let busybox = try HostProgram.require("busybox", package: "busybox-static")
        try context.directory.beginPhase()
        let tools = context.directory.phaseRun.appending("rootcellar")
        try makeHostDirectory(tools)
        guard let list = HostProgram.capture(busybox, ["--list"], environment: [:]) else {
            throw RootcellarError(.build, "busybox does not say what it can do", subject: busybox.string)
        }
        try building("copy busybox", busybox.string) { () throws(Errno) in
            try writeFile(tools.appending("busybox"), try readFile(busybox), mode: 0o755)
        }
        let run = try RootfsDirectory(tools)
        for applet in String(decoding: list, as: UTF8.self).split(separator: "\n") where applet != "busybox" {
            try run.link("/\(applet)", to: "busybox")
        }
        try context.log.step("run \(scripts.count) scripts of packages") { () throws(RootcellarError) in
            for (package, text) in scripts {
                context.log.note("the script of \(package.full)")
                // It tells the running init, of which there is none, to begin anew.
                try run.write("/script", Array(text.replacing("/sbin/init u", with: "true").utf8))
                let status = try context.sandbox.run(
                    ["\(Self.tools)/busybox", "sh", "\(Self.tools)/script", "-install"],
                    environment: [
                        "PATH": "\(Self.tools):/bin:/usr/bin:/sbin:/usr/sbin", "HOME": "/root", "LC_ALL": "C",
                    ]
                )
                // installpkg does not look at it, and many end with a test that fails.
                if status != 0 { context.log.note("it ended with status \(status)") }
            }
        }
    }
}
