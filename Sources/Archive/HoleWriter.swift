// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
import Model
import SystemPackage

/// Writes the content of a new file and leaves holes where the archive says so, and where long runs of nothing but
/// zeros would stand: our own archives have no holes, so they are found again here.
final class HoleWriter {
    private let file: FileDescriptor
    private let looksForZeros: Bool
    private var extents: ArraySlice<TarEntry.Extent>
    /// Where the next byte belongs.
    private var offset = 0
    /// Where the next byte that is written would go.
    private var position = 0

    /// Content is looked at by pieces of so many bytes; shorter files have no holes.
    private static let run = 64 << 10

    /// A writer to an empty file.
    init(_ file: FileDescriptor, extents: [TarEntry.Extent]?, size: Int) {
        self.file = file
        looksForZeros = size >= Self.run
        self.extents = (extents ?? [TarEntry.Extent(offset: 0, count: size)])[...]
        offset = self.extents.first?.offset ?? 0
    }

    /// Writes the next bytes of the content.
    func write(_ bytes: RawSpan) throws(Errno) {
        var rest = bytes
        while rest.byteCount > 0 {
            while let extent = extents.first, offset >= extent.offset + extent.count {
                extents = extents.dropFirst()
                offset = extents.first?.offset ?? offset
            }
            guard let extent = extents.first else { throw .invalidArgument }
            let piece = rest.extracting(first: min(rest.byteCount, extent.offset + extent.count - offset))
            try writePiece(piece)
            rest = rest.extracting(droppingFirst: piece.byteCount)
        }
    }

    /// Makes the file as long as it has to be, if it ends with a hole.
    func finish(size: Int) throws(Errno) {
        guard position < size else { return }
        _ = try retrying { ftruncate(file.rawValue, size) }
    }

    /// Looks at the piece run by run, each up to the next boundary, and writes what is not zero at one go.
    private func writePiece(_ piece: RawSpan) throws(Errno) {
        var pending = 0
        var at = 0
        while at < piece.byteCount {
            let count = min(Self.run - (offset + at) % Self.run, piece.byteCount - at)
            if looksForZeros, Self.isZero(piece.extracting(at..<(at + count))) {
                try put(piece.extracting(pending..<at), at: offset + pending)
                pending = at + count
            }
            at += count
        }
        try put(piece.extracting(pending..<at), at: offset + pending)
        offset += piece.byteCount
    }

    private func put(_ bytes: RawSpan, at place: Int) throws(Errno) {
        guard bytes.byteCount > 0 else { return }
        if place != position {
            guard lseek(file.rawValue, place, SEEK_SET) >= 0 else { throw Errno(rawValue: errno) }
        }
        try writeAll(file, bytes)
        position = place + bytes.byteCount
    }

    private static func isZero(_ bytes: RawSpan) -> Bool {
        unsafe bytes.withUnsafeBytes { bytes in
            // Equal to itself shifted by one, and zero at the beginning.
            guard let base = bytes.baseAddress, unsafe bytes[0] == 0 else { return bytes.count == 0 }
            return unsafe memcmp(base, base + 1, bytes.count - 1) == 0
        }
    }
}
