// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SystemPackage

/// Runs xdelta3(1), whose deltas LXD and Incus apply by the same program.
struct DeltaEncoder {
    /// Where its messages go.
    let place: FilePath

    /// The most of the old file that is searched at any moment, in bytes: so much memory is needed.
    private static let windowLimit = 512 << 20

    /// Writes the delta that makes `new` of `base`.
    ///
    /// - Throws: `REPOSITORY` if the program is missing or fails.
    func encode(_ base: FilePath, _ new: FilePath, _ delta: FilePath, baseSize: Int) throws(RootcellarError) {
        // A window as long as the file, or what has moved far is not found; no header, which would hold file names.
        let window = min(max(baseSize, 1 << 20), Self.windowLimit)
        try run(["-e", "-9", "-f", "-A", "-B", String(window), "-s", base.string, new.string, delta.string])
    }

    /// Writes what a delta makes of `base`.
    func decode(_ base: FilePath, _ delta: FilePath, _ new: FilePath) throws(RootcellarError) {
        try run(["-d", "-f", "-s", base.string, delta.string, new.string])
    }

    private func run(_ words: [String]) throws(RootcellarError) {
        guard let program = findProgram("xdelta3") else {
            throw RootcellarError(
                .repository,
                "xdelta3 is missing, which makes deltas for LXD and Incus",
                hint: "install the package xdelta3, or publish without deltas: --no-deltas"
            )
        }
        let messages = place.appending("messages")
        let status: Int
        do {
            let null = try unsafe FileDescriptor.open("/dev/null", .readWrite, options: [.closeOnExec])
            defer { try? null.close() }
            let errors = try FileDescriptor.open(
                messages,
                .writeOnly,
                options: [.create, .truncate, .closeOnExec, .noFollow],
                permissions: .ownerReadWrite
            )
            defer { try? errors.close() }
            status = try ChildProcess(program, words, descriptors: [null, null, errors]).wait()
        } catch { throw Disk.fault("cannot be started", program, error) }
        guard status != 0 else { return }
        let said = (try? Disk.read(messages, limit: 64 << 10)) ?? []
        let line = said.split(separator: 0x0A).last.map { String(decoding: $0, as: UTF8.self) } ?? "no message"
        throw RootcellarError(.repository, "xdelta3 ended with \(status): \(line)", subject: program.string)
    }
}
