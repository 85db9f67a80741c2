// SPDX-License-Identifier: Apache-2.0

import Archive
import Testing

/// One archive that no rootfs should be, and what has to come of it.
struct HostileMember: Sendable, CustomTestStringConvertible {
    enum Outcome: Sendable, Equatable {
        case refused
        /// Unpacked, with so many things of a kind left out.
        case unpacked(Omissions.Kind? = nil, count: Int = 0)
    }

    /// The number in the catalogue of attacks on archives, 1 to 46.
    var number: Int
    var what: String
    var outcome: Outcome
    var bytes: [UInt8]
    var limits: Unpacking.Expectation?

    var testDescription: String { "\(number) \(what)" }

    init(_ number: Int, _ what: String, _ outcome: Outcome = .refused, _ build: (inout RawTar) -> Void) {
        self.number = number
        self.what = what
        self.outcome = outcome
        var tar = RawTar()
        tar.addRoot()
        build(&tar)
        tar.end()
        bytes = tar.bytes
    }

    /// The same with other bytes.
    func replacing(_ change: (inout [UInt8]) -> Void) -> HostileMember {
        var copy = self
        change(&copy.bytes)
        return copy
    }

    /// The same with signed figures.
    func expecting(_ entries: Int, _ bytes: Int) -> HostileMember {
        var copy = self
        copy.limits = .init(entries: entries, contentBytes: bytes)
        return copy
    }

    /// A valid set of file capabilities, CAP_NET_RAW (capability.h, version 2).
    static let capability = "\u{1}\u{0}\u{0}\u{2}\u{0}\u{20}" + String(repeating: "\u{0}", count: 14)

    private static let good: @Sendable (inout RawTar) -> Void = { tar in
        tar.add("a", content: Array("some content".utf8))
        tar.add("b", content: [1])
    }

    static let all: [HostileMember] = names + links + kinds + owners + attributes + structure + sizes + headers

    private static let names: [HostileMember] = [
        .init(1, "dot-dot") { $0.add("../x") },
        .init(1, "dot-dot inside") { $0.add("a/../../x") },
        .init(1, "dot-dot in pax") {
            $0.addExtended([("path", "../x")]); $0.add("x")
        },
        .init(1, "dot-dot in global pax") {
            $0.addExtended([("path", "../x")], type: "g"); $0.add("x")
        },
        .init(1, "dot-dot in a long name") {
            $0.add("././@LongLink", type: "L", content: Array("../x\u{0}".utf8)); $0.add("x")
        },
        .init(2, "absolute") { $0.add("/x") },
        .init(2, "two slashes") { $0.add("//x") },
        .init(2, "absolute dot") { $0.add("/./x") },
        .init(39, "long component") {
            $0.addExtended([("path", String(repeating: "n", count: 256))]); $0.add("x")
        },
        .init(39, "deep") {
            $0.addExtended([("path", Array(repeating: "d", count: 65).joined(separator: "/"))]); $0.add("x")
        },
        .init(39, "long path") {
            $0.addExtended([
                ("path", Array(repeating: String(repeating: "d", count: 200), count: 30).joined(separator: "/"))
            ])
            $0.add("x")
        },
        .init(40, "newline, dash, escape, twins", .unpacked()) { tar in
            for name in ["line\nfeed", "-rf", "\u{1B}]0;x", "CASE", "case", "\u{E9}", "e\u{301}"] { tar.add(name) }
        },
        .init(43, "empty name") {
            $0.addExtended([("path", "")]); $0.add("x")
        },
        .init(43, "empty link target") { $0.add("x", type: "2") },
        .init(38, "NUL in a pax name") {
            $0.addExtended([("path", "a\u{0}b")]); $0.add("x")
        },
        .init(38, "NUL in a name") { $0.add("a\u{0}b") },
    ]

    private static let links: [HostileMember] = [
        .init(3, "write through a link") {
            $0.add("l", type: "2", link: "/tmp"); $0.add("l/x")
        },
        .init(3, "write through a chain") {
            $0.add("a", type: "2", link: "b"); $0.add("b", type: "2", link: "/tmp"); $0.add("a/x")
        },
        .init(3, "write through /proc") {
            $0.add("l", type: "2", link: "/proc/self/root"); $0.add("l/tmp/x")
        },
        .init(4, "absolute hard link") { $0.add("h", type: "1", link: "/etc/passwd") },
        .init(4, "dot-dot hard link") { $0.add("h", type: "1", link: "../x") },
        .init(4, "long hard link") {
            $0.add("././@LongLink", type: "K", content: Array("../../etc/passwd\u{0}".utf8)); $0.add("h", type: "1")
        },
        .init(4, "hard link in pax") {
            $0.addExtended([("linkpath", "/etc/passwd")]); $0.add("h", type: "1")
        },
        .init(5, "hard link to a link") {
            $0.add("l", type: "2", link: "/etc/passwd"); $0.add("h", type: "1", link: "l")
        },
        .init(6, "hard link with content") {
            $0.add("a"); $0.add("h", type: "1", link: "a", content: [1])
        },
        .init(7, "hard link before its target") {
            $0.add("h", type: "1", link: "a"); $0.add("a")
        },
        .init(7, "hard link to itself") { $0.add("h", type: "1", link: "h") },
        .init(7, "hard link to a directory") {
            $0.add("d", type: "5"); $0.add("h", type: "1", link: "d")
        },
        .init(20, "directory, link, write") {
            $0.add("d", type: "5"); $0.add("d", type: "2", link: "/tmp"); $0.add("d/x")
        },
        .init(21, "link, directory of its name") {
            $0.add("l", type: "2", link: "/tmp"); $0.add("l", type: "5")
        },
        .init(22, "a file twice") {
            $0.add("x"); $0.add("x")
        },
        .init(19, "the root is a link") { $0.add(".", type: "2", link: "/tmp") },
        .init(19, "the root is a file") { $0.add("./") },
    ]

    private static let kinds: [HostileMember] = [
        .init(8, "devices", .unpacked(.devices, count: 2)) {
            $0.add("c", type: "3"); $0.add("b", type: "4")
        },
        .init(9, "a FIFO", .unpacked()) { $0.add("f", type: "6") },
        .init(10, "set-user-id", .unpacked()) { $0.add("su", mode: "0004755") },
        .init(44, "contiguous") { $0.add("x", type: "7") },
        .init(44, "volume header") { $0.add("x", type: "V") },
        .init(44, "multi-volume") { $0.add("x", type: "M") },
        .init(44, "dumped directory") { $0.add("x", type: "D") },
        .init(44, "unknown") { $0.add("x", type: "Z") },
        .init(46, "directory of mode 0000", .unpacked()) {
            $0.add("d", type: "5", mode: "0000000"); $0.add("d/x")
        },
        .init(18, "a root of mode 2777 and a stranger's", .unpacked()) {
            $0.add("./", type: "5", mode: "0002777", uid: "0001750", gid: "0001750")
        },
    ]

    private static let owners: [HostileMember] = [
        .init(11, "uid -1") {
            $0.addExtended([("uid", "4294967295")]); $0.add("x", mode: "0004755")
        },
        .init(12, "uid 2^40") {
            $0.addExtended([("uid", "1099511627776")]); $0.add("x")
        },
        .init(13, "negative uid") {
            $0.addExtended([("uid", "-2")]); $0.add("x", mode: "0004755")
        },
        .init(13, "negative gid") {
            $0.addExtended([("gid", "-2")]); $0.add("x")
        },
        .init(41, "time before 1970, after all times", .unpacked()) {
            $0.addExtended([("mtime", "-86400")]); $0.add("old")
            $0.addExtended([("mtime", "99999999999999999.9")]); $0.add("new")
        },
        .init(41, "time of 2^62") {
            $0.addExtended([("mtime", "4611686018427387904")]); $0.add("x")
        },
    ]

    private static let attributes: [HostileMember] = [
        .init(14, "file capability", .unpacked()) {
            $0.addExtended([("SCHILY.xattr.security.capability", capability)]); $0.add("x")
        },
        .init(15, "label", .unpacked(.labels, count: 1)) {
            $0.addExtended([("SCHILY.xattr.security.selinux", "x")]); $0.add("x")
        },
        .init(15, "overlay", .unpacked(.trusted, count: 1)) {
            $0.addExtended([("SCHILY.xattr.trusted.overlay.opaque", "y")]); $0.add("x", type: "5")
        },
        .init(15, "another system's", .unpacked(.attributes, count: 1)) {
            $0.addExtended([("SCHILY.xattr.btrfs.compression", "y")]); $0.add("x")
        },
        .init(16, "list by number", .unpacked()) {
            $0.addExtended([("SCHILY.acl.access", "user::rw-,user:4242:r--,group::r--,mask::r--,other::---")])
            $0.add("x")
        },
        .init(16, "list by name", .unpacked(.accessLists, count: 1)) {
            $0.addExtended([("SCHILY.acl.access", "user::rw-,user:joe:r--,group::r--,mask::r--,other::---")])
            $0.add("x")
        },
        .init(16, "broken list") {
            $0.addExtended([("SCHILY.xattr.system.posix_acl_access", "\u{2}\u{0}\u{0}\u{0}\u{1}")]); $0.add("x")
        },
        .init(17, "immutable", .unpacked(.fileFlags, count: 1)) {
            $0.addExtended([("SCHILY.fflags", "schg")]); $0.add("x")
        },
        .init(45, "65 attributes") { tar in
            tar.addExtended((0..<65).map { ("SCHILY.xattr.user.a\($0)", "v") }); tar.add("x")
        },
        .init(45, "more than 64 KiB of attributes") {
            $0.addExtended([("SCHILY.xattr.user.a", String(repeating: "v", count: 65537))]); $0.add("x")
        },
    ]

    private static let sizes: [HostileMember] = [
        .init(23, "1 TiB of hole") { $0.addSparse("x", size: 1 << 40, map: [(0, 1)], stored: [1]) },
        .init(23, "8 EiB of hole") { $0.addSparse("x", size: .max, map: [(0, 1)], stored: [1]) },
        .init(23, "a hole over what is signed") { $0.addSparse("x", size: 4096, map: [(0, 1)], stored: [1]) }
            .expecting(2, 1),
        .init(23, "an honest hole", .unpacked()) { $0.addSparse("x", size: 4096, map: [(0, 1)], stored: [1]) }
            .expecting(2, 4096),
        .init(24, "more than 65536 pieces") { tar in
            tar.addSparse(
                "x",
                size: 1 << 20,
                map: (0...65536).map { ($0 * 2, 1) },
                stored: [UInt8](repeating: 1, count: 65537)
            )
        },
        .init(24, "2 million pieces that are not there") { tar in
            tar.addSparse(
                "x",
                size: 1 << 20,
                map: [],
                stored: Array("2000000\n".utf8) + [UInt8](repeating: 0, count: 504),
                mapped: true
            )
        },
        .init(25, "overlapping pieces") {
            $0.addSparse("x", size: 100, map: [(0, 10), (5, 10)], stored: .init(repeating: 1, count: 20))
        },
        .init(25, "pieces out of order") {
            $0.addSparse("x", size: 100, map: [(50, 10), (5, 10)], stored: .init(repeating: 1, count: 20))
        },
        .init(25, "a piece outside") {
            $0.addSparse("x", size: 100, map: [(95, 10)], stored: .init(repeating: 1, count: 10))
        },
        .init(25, "pieces that are not the content") {
            $0.addSparse("x", size: 100, map: [(0, 10)], stored: .init(repeating: 1, count: 11))
        },
        .init(27, "more members than are signed") { tar in for number in 0..<2000 { tar.add("d\(number)", type: "5") } }
            .expecting(1000, 0),
        .init(42, "negative size") { $0.add("x", size: "-0000000001") },
        .init(42, "negative size in base 256") { $0.add("x", size: "\u{7F}0000000000") }
            .replacing { $0[512 + 124] = 0xFF },
    ]

    private static let structure: [HostileMember] = [
        .init(31, "cut between members", .refused, good).replacing { $0.removeLast(1024) },
        .init(31, "half an end", .refused, good).replacing { $0.removeLast(512) },
        .init(32, "cut inside a file", .refused, good).replacing { $0.removeLast(1024 + 512 + 200) },
        .init(33, "nothing but zeros") { _ in }.replacing { $0 = [UInt8](repeating: 0, count: 10240) },
        .init(34, "something behind the end", .refused, good).replacing {
            $0 += [1] + [UInt8](repeating: 0, count: 511)
        },
        .init(34, "a second archive", .refused, good).replacing { $0 += $0 },
        .init(35, "bad checksum") {
            $0.add("x", checksum: 1); $0.add("y")
        },
    ]

    private static let headers: [HostileMember] = [
        .init(36, "two sizes") {
            $0.addExtended([("size", "1024")]); $0.add("x", content: [1])
        },
        .init(36, "a directory with content") { $0.add("x", type: "5", content: .init(repeating: 1, count: 512)) },
        .init(36, "a link with content") {
            $0.add("x", type: "2", link: "y", content: .init(repeating: 1, count: 512))
        },
        .init(37, "a record that is too long") {
            $0.add("p", type: "x", content: Array("99 path=y\n".utf8)); $0.add("x")
        },
        .init(37, "a record without a length") {
            $0.add("p", type: "x", content: Array("path=y\n".utf8)); $0.add("x")
        },
        .init(37, "a name of over 1 MiB") {
            $0.addExtended([("path", String(repeating: "n", count: (1 << 20) + 1))]); $0.add("x")
        },
        .init(37, "a long name of over 1 MiB") {
            $0.add("././@LongLink", type: "L", content: .init(repeating: 0x6E, count: (1 << 20) + 1)); $0.add("x")
        },
    ]
}
