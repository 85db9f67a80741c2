// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model
import SystemPackage

/// `decode COMPRESSION LIMIT [RATIO]`.
func decode(_ words: [String]) throws(RootcellarError) {
    guard (2...3).contains(words.count), let compression = Compression(rawValue: words[0]), let limit = Int(words[1])
    else { throw RootcellarError(.usage, "decode needs a compression and a limit") }
    let ratio = words.count == 3 ? Int(words[2]) ?? 1 : nil
    try confineToDescriptors(fileSize: limit)
    try compression.decompress(.standardInput, to: .standardOutput, limit: limit, ratio: ratio)
}

/// `patch BYTES`: `BYTES` are those of old and new tar together.
func patch(_ words: [String]) throws(RootcellarError) {
    guard words.count == 1, let mapped = Int(words[0]), (0...2 * TarPatch.sizeLimit).contains(mapped) else {
        throw RootcellarError(.usage, "patch needs the size of what it maps")
    }
    try confineToDescriptors(mapped: mapped)
    try TarPatch.apply(base: FileDescriptor(rawValue: 3), patch: .standardInput, output: .standardOutput)
}

/// `extract …`.
func extract(_ words: [String]) throws(RootcellarError) {
    let options = try ExtractOptions(words)
    let root = FileDescriptor(rawValue: 3)
    try confine(toDirectory: root.rawValue, fileSize: options.expectation?.contentBytes ?? TarLimits().contentBytes)
    // While members have their modes but the tree is not whole, nobody else may walk it.
    try system("prepare") { () throws(Errno) in try root.changeMode(0o700) }
    let report = try Unpacking.run(
        tar: .standardInput,
        root: root,
        expecting: options.expectation,
        newest: options.newest
    )
    try finish(root, options, report.line)
}

/// `clone …`.
func clone(_ words: [String]) throws(RootcellarError) {
    let options = try ExtractOptions(words)
    let root = FileDescriptor(rawValue: 3)
    try confine(toDirectory: root.rawValue, fileSize: TarLimits().contentBytes, copying: true)
    try system("prepare") { () throws(Errno) in try root.changeMode(0o700) }
    let fingerprint = try TreeClone.run(from: FileDescriptor(rawValue: 4), to: root)
    try finish(root, options, "\(fingerprint)\n")
}

/// What makes a rootfs that of one container, and the word that it is whole.
private func finish(_ root: FileDescriptor, _ options: ExtractOptions, _ report: String) throws(RootcellarError) {
    for path in options.expanded { try options.tokens.expandFile(path, in: root) }
    try makeTerminalDirectory(root)
    let bytes = Array(report.utf8)
    try system("report") { () throws(Errno) in try writeAll(.standardOutput, unsafe bytes.span.bytes) }
}

/// LXC mounts a devpts on `dev/pts`, so the directory has to be there whatever the image has.
private func makeTerminalDirectory(_ root: FileDescriptor) throws(RootcellarError) {
    try system("make dev/pts") { () throws(Errno) in
        do throws(Errno) { try root.makeDirectory("dev".utf8, mode: 0o755) } catch  where error == .fileExists {}
        let devices = try root.openDirectoryBeneath(Array("dev".utf8))
        defer { try? devices.close() }
        do throws(Errno) { try devices.makeDirectory("pts".utf8, mode: 0o755) } catch  where error == .fileExists {}
    }
}

private func system(_ what: String, _ body: () throws(Errno) -> Void) throws(RootcellarError) {
    do throws(Errno) {
        try body()
    } catch {
        throw systemError(.archive, "the unpacker cannot \(what)", error, subject: "the rootfs")
    }
}

/// Writes an error as one line to standard error, without anything that may allocate a lock or a file.
func report(_ error: RootcellarError) {
    let line = Array("\(error.description)\n".utf8)
    try? writeAll(.standardError, unsafe line.span.bytes)
}
