// SPDX-License-Identifier: Apache-2.0

package import Model

/// Reads a tar stream strictly: whatever two readers could take for different members is refused, not interpreted.
///
/// Accepted are POSIX ustar and pax, and GNU's long names and sparse files. Refused with `ARCHIVE`: bad checksums, unknown types,
/// sizes that pax and header disagree on, `..` and absolute names, NUL in names, numbers out of range, a missing end
/// marker, anything but zeros after it, and whatever is over the limits.
@safe package final class TarReader {
    /// Puts the next bytes into the buffer and returns how many; 0 at the end.
    package typealias Source = (UnsafeMutableRawBufferPointer) throws(RootcellarError) -> Int

    /// Members returned so far.
    package private(set) var entries = 0
    /// Sum of the sizes of the files returned so far.
    package private(set) var contentBytes = 0

    private let limits: TarLimits
    private let source: Source
    private let buffer: UnsafeMutableRawBufferPointer
    private var start = 0
    private var end = 0
    private var contentLeft = 0
    private var paddingLeft = 0

    /// A reader of what `source` gives.
    package init(limits: TarLimits = TarLimits(), source: @escaping Source) {
        self.limits = limits
        unsafe self.source = source
        unsafe buffer = .allocate(byteCount: 1 << 20, alignment: 4096)
    }

    deinit { unsafe buffer.deallocate() }

    /// The next member, or nil after the end marker. Content that was not read is skipped.
    package func next() throws(RootcellarError) -> TarEntry? {
        try readContent { _ throws(RootcellarError) in }
        var extended = ExtendedHeader()
        while true {
            try fill(atLeast: TarFormat.block)
            guard end - start >= TarFormat.block else {
                throw refuse(end == start ? "the archive ends without its end marker" : "the archive is cut")
            }
            let header = takeBlock()
            if header.allSatisfy({ $0 == 0 }) {
                guard extended.isEmpty else { throw refuse("an extended header belongs to no member") }
                try readEnd()
                return nil
            }
            let fields = try HeaderFields(header)
            switch fields.type {
            case UInt8(ascii: "x"): try extended.read(pax: try readSmall(fields.size), limits: limits)
            case UInt8(ascii: "g"): try ExtendedHeader.checkGlobal(try readSmall(fields.size))
            case UInt8(ascii: "L"): try extended.set(longName: try readSmall(fields.size))
            case UInt8(ascii: "K"): try extended.set(longLink: try readSmall(fields.size))
            default:
                var entry = try extended.entry(fields, limits: limits)
                try count(&entry, &extended, header)
                return entry
            }
        }
    }

    /// Gives the content of the member that `next` returned, in order and in pieces.
    package func readContent(_ body: (RawSpan) throws(RootcellarError) -> Void) throws(RootcellarError) {
        while contentLeft > 0 {
            try fill(atLeast: 1)
            guard end > start else { throw refuse("the archive is cut inside a file") }
            let count = min(contentLeft, end - start)
            try body(unsafe RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: buffer[start..<(start + count)])))
            start += count
            contentLeft -= count
        }
        while paddingLeft > 0 {
            try fill(atLeast: 1)
            guard end > start else { throw refuse("the archive is cut inside a file") }
            let count = min(paddingLeft, end - start)
            start += count
            paddingLeft -= count
        }
    }

    private func count(
        _ entry: inout TarEntry,
        _ extended: inout ExtendedHeader,
        _ header: [UInt8]
    ) throws(RootcellarError) {
        let stored = entry.size
        if header[TarFormat.type] == UInt8(ascii: "S") {
            try extended.sparse.readOld(header, limits: limits) { () throws(RootcellarError) in try nextBlock() }
            extended.isSparse = true
        }
        contentLeft = stored
        paddingLeft = TarFormat.padding(stored)
        if extended.isSparse {
            try extended.sparse.apply(to: &entry, stored: stored, limits: limits) { () throws(RootcellarError) in
                contentLeft -= TarFormat.block
                return try nextBlock()
            }
        }
        entries += 1
        guard entries <= limits.entries else { throw refuse("more than \(limits.entries) members") }
        guard entry.size <= limits.contentBytes - contentBytes else {
            throw refuse("more than \(limits.contentBytes) bytes of files")
        }
        contentBytes += entry.size
    }

    private func nextBlock() throws(RootcellarError) -> [UInt8] {
        try fill(atLeast: TarFormat.block)
        guard end - start >= TarFormat.block else { throw refuse("the archive is cut") }
        return takeBlock()
    }

    private func takeBlock() -> [UInt8] {
        let block = unsafe Array(buffer[start..<(start + TarFormat.block)])
        start += TarFormat.block
        return block
    }

    private func readSmall(_ size: Int) throws(RootcellarError) -> [UInt8] {
        guard size <= limits.extendedHeader else { throw refuse("an extended header of \(size) bytes") }
        contentLeft = size
        paddingLeft = TarFormat.padding(size)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        try readContent { span throws(RootcellarError) in
            unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
        }
        return bytes
    }

    /// Checks the second block of zeros and that nothing but zeros follows: a second archive behind the first would be
    /// read by some programs and not by others.
    private func readEnd() throws(RootcellarError) {
        var zeros = 0
        while true {
            try fill(atLeast: 1)
            guard end > start else { break }
            guard unsafe buffer[start..<end].allSatisfy({ $0 == 0 }) else {
                throw refuse("there is something after the end of the archive")
            }
            zeros += end - start
            start = end
        }
        guard zeros >= TarFormat.block else { throw refuse("the end marker is cut") }
    }

    private func fill(atLeast needed: Int) throws(RootcellarError) {
        guard end - start < needed else { return }
        if start > 0 {
            let rest = end - start
            if rest > 0 {
                unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[0..<rest])
                    .copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[start..<end]))
            }
            start = 0
            end = rest
        }
        while end < needed {
            let count = try unsafe source(UnsafeMutableRawBufferPointer(rebasing: buffer[end...]))
            if count == 0 { return }
            end += count
        }
    }
}

/// A refusal of an archive.
func refuse(_ why: String, _ path: [UInt8] = []) -> RootcellarError {
    RootcellarError(.archive, why, subject: path.isEmpty ? "" : "'\(String(decoding: path, as: UTF8.self))'")
}

extension TarReader {
    /// A reader of an archive in memory.
    package convenience init(bytes: [UInt8], limits: TarLimits = TarLimits()) {
        var offset = 0
        unsafe self.init(limits: limits) { target throws(RootcellarError) in
            let count = min(target.count, bytes.count - offset)
            unsafe bytes.withUnsafeBytes { all in
                unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[offset..<(offset + count)]))
            }
            offset += count
            return count
        }
    }
}
