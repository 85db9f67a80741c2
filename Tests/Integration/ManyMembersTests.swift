// SPDX-License-Identifier: Apache-2.0

import Archive
import FoundationEssentials
import Model
import SiteSupport
import SystemPackage
import TestSupport
import Testing

/// `ROOTCELLAR_SOAK` takes 10 GB, which needs 31 GB of disk, instead of a half.
@Suite("A big image", .scratchDirectory, .serialized)
struct ManyMembersTests {
    /// Runs the words after it and, at the end, tells the most memory that the program and its children had together.
    private static let watched = """
        "$@" & program=$!; peak=0
        while kill -0 $program 2>/dev/null; do
            sum=0
            for id in $program $(cat /proc/$program/task/*/children 2>/dev/null); do
                while read -r key value rest; do
                    [ "$key" != VmRSS: ] || { sum=$((sum + value)); break; }
                done <"/proc/$id/status" || true
            done 2>/dev/null
            [ $sum -le $peak ] || peak=$sum
            sleep 0.02
        done
        wait $program; echo "PEAK $peak" >&2
        """

    /// Makes a container of a local file.
    ///
    /// - Returns: it, and the most memory in KiB.
    private func create(_ file: FilePath) async throws -> (Creation, Int) {
        let host = try ClientHost()
        let path = try Creation.makeContainer(host, "c1")
        let words = [
            "download", "--path=\(path)", "--name=c1", "--rootfs=\(path.appending("rootfs"))", "--local", file.string,
        ]
        let result = try await host.run(words, script: Self.watched).succeeded()
        let line = result.errors.split(separator: "\n").last { $0.hasPrefix("PEAK ") }
        return (Creation(path: path, result: result), line.flatMap { Int($0.dropFirst(5)) } ?? .max)
    }

    @Test("of 100000 members is as GNU tar has it, within 64 MiB")
    func members() async throws {
        let top = ScratchDirectory.path
        try writeArchive(top.appending("many.tar"))
        let script =
            "cd \"$1\"; zstd -q -3 many.tar; mkdir theirs; tar --xattrs --xattrs-include='*' -C theirs -xpf many.tar"
        try await Programs.shell(script, top.string)
        let (creation, peak) = try await create(top.appending("many.tar.zst"))
        #expect(peak <= 64 << 10, "\(peak) KiB")
        // What every creation adds.
        let ours = try await Snapshot(creation.rootfs).without(".", "./dev", "./dev/pts")
        let theirs = try await Snapshot(top.appending("theirs")).without(".", "./dev")
        #expect(ours.entries.count > 100_000)
        #expect(ours.differences(from: theirs).prefix(5) == [])
    }

    @Test("of one big file is as it was packed, within 64 MiB")
    func bytes() async throws {
        let top = ScratchDirectory.path
        let size = ProcessInfo.processInfo.environment["ROOTCELLAR_SOAK"] == nil ? "512M" : "10G"
        let script = """
            cd "$1"; mkdir tree; head -c "$2" /dev/urandom > tree/big; sha256sum < tree/big
            tar --remove-files --format=pax -cf big.tar tree
            """
        let sum = try await Programs.shell(script, top.string, size)
        let (creation, peak) = try await create(top.appending("big.tar"))
        #expect(peak <= 64 << 10, "\(peak) KiB")
        let found = try await Programs.shell("sha256sum < \"$1/tree/big\"", creation.rootfs.string)
        #expect(found == sum)
    }

    /// 100 directories of 999 members each: files of all small sizes, links of both kinds, owners, attributes.
    private func writeArchive(_ path: FilePath) throws {
        let file = try FileDescriptor.open(path, .writeOnly, options: .create, permissions: .ownerReadWrite)
        defer { try? file.close() }
        var pending: [UInt8] = []
        var tar = TarWriter { bytes throws(RootcellarError) in
            unsafe bytes.withUnsafeBytes { unsafe pending.append(contentsOf: $0) }
            guard pending.count > 1 << 20 else { return }
            do { try file.writeAll(pending) } catch { throw RootcellarError(.build, "\(error)") }
            pending = []
        }
        var random = SeededGenerator()
        try tar.begin(TarEntry(path: [], kind: .directory, mode: 0o755))
        for directory in ["dev"] + (0..<100).map({ "directory-\($0)" }) {
            try tar.begin(TarEntry(path: Array(directory.utf8), kind: .directory, mode: 0o755, modified: 1_500_000_000))
            if directory == "dev" { continue }
            for number in 0..<999 {
                let path = Array("\(directory)/ü \(number)\n".utf8)
                let size = number % 3 == 0 ? 0 : Int.random(in: 1...2000, using: &random)
                switch number % 10 {
                case 8:
                    let text = Array("../somewhere/\(number)".utf8)
                    try tar.begin(TarEntry(path: path, kind: .symbolicLink, mode: 0o777, uid: 7, linkTarget: text))
                case 9:
                    let target = Array("\(directory)/ü \(number - 9)\n".utf8)
                    try tar.begin(TarEntry(path: path, kind: .hardLink, mode: 0o644, linkTarget: target))
                default:
                    let note = TarEntry.Attribute(name: Array("user.note".utf8), value: Array("\(number)".utf8))
                    try tar.begin(
                        TarEntry(
                            path: path,
                            kind: .file,
                            mode: UInt32(number % 0o1000),
                            uid: UInt32(number),
                            gid: UInt32(number * 3),
                            size: size,
                            modified: Int64(1_400_000_000 + number),
                            attributes: number % 50 == 0 ? [note] : []
                        )
                    )
                    let content = random.bytes(size)
                    if size > 0 { try tar.content(unsafe content.span.bytes) }
                }
            }
        }
        try tar.finish()
        try file.writeAll(pending)
    }
}
