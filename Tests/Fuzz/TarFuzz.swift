// SPDX-License-Identifier: Apache-2.0

import Archive
import Model

/// The tar reader, which sees only what somebody signed, or a file that nobody did.
enum TarFuzz {
    static let archives = [
        archive(("a", Array("x".utf8)), ("d/e", [])), archive(("../x", [])), [UInt8](repeating: 0, count: 1024),
    ]

    /// A ustar archive of these files.
    static func archive(_ files: (name: String, content: [UInt8])...) -> [UInt8] {
        var bytes: [UInt8] = []
        for file in files {
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, _ offset: Int) {
                for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
            }
            func octal(_ value: Int, _ digits: Int) -> String {
                let text = String(value, radix: 8)
                return String(repeating: "0", count: digits - text.count) + text
            }
            put(file.name, 0)
            for (offset, value, digits) in [(100, 0o644, 7), (108, 0, 7), (116, 0, 7), (136, 0, 11)] {
                put(octal(value, digits), offset)
            }
            put(octal(file.content.count, 11), 124)
            put("        0", 148)
            put("ustar\u{0}00", 257)
            put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", 148)
            bytes += header + file.content
            bytes += [UInt8](repeating: 0, count: (512 - file.content.count % 512) % 512)
        }
        return bytes + [UInt8](repeating: 0, count: 1024)
    }

    static func tar(_ bytes: [UInt8]) {
        var limits = TarLimits()
        limits.entries = 1000
        limits.contentBytes = 1 << 20
        let reader = TarReader(bytes: bytes, limits: limits)
        var content = 0
        do throws(RootcellarError) {
            while let entry = try reader.next() {
                let parts = entry.path.split(separator: 0x2F, omittingEmptySubsequences: false)
                precondition(
                    entry.path.isEmpty || parts.allSatisfy { !$0.isEmpty && $0 != [0x2E] && $0 != [0x2E, 0x2E] },
                    "a member is below the root"
                )
                precondition(!entry.path.contains(0) && !entry.linkTarget.contains(0), "no NUL in a name")
                precondition(entry.mode <= 0o7777 && entry.size >= 0, "modes and sizes are in range")
                var read = 0
                try reader.readContent { piece throws(RootcellarError) in read += piece.byteCount }
                content += read
            }
        } catch {
            precondition(error.errorClass == .archive, "a refused archive is ARCHIVE")
        }
        precondition(reader.entries <= 1000 && content <= bytes.count, "limits hold")
    }
}
