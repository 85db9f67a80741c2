// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage

/// How a stream is compressed.
package enum Compression: String, Sendable, CaseIterable {
    case xz
    case zstd
    /// Only for local files: no image is published in it.
    case gzip

    /// The compression that the end of a published file's name stands for; nil for none.
    package init?(fileName: String) {
        if fileName.hasSuffix(".tar.xz") {
            self = .xz
        } else if fileName.hasSuffix(".tar.zst") {
            self = .zstd
        } else {
            return nil
        }
    }

    /// The compression that the first bytes of a file show; nil for none that is known.
    package init?(magic bytes: some Collection<UInt8>) {
        let magics: [(Compression, [UInt8])] = [
            (.xz, [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]), (.zstd, [0x28, 0xB5, 0x2F, 0xFD]),
            (.gzip, [0x1F, 0x8B, 0x08]),
        ]
        guard let found = magics.first(where: { bytes.starts(with: $0.1) }) else { return nil }
        self = found.0
    }

    private static let unheard = "cannot pass the archive on"

    /// Whether an error of `decompress`, or of a program that ran it, says only that the reader of its output had
    /// stopped: then what stopped that is the cause.
    package static func isUnheard(_ error: RootcellarError) -> Bool { error.reason.hasPrefix(unheard) }

    /// Decompresses all of `input` to `output`, which may be a pipe that somebody reads at the same time.
    ///
    /// - Parameters:
    ///   - limit: the most bytes to write; one more is refused. Nothing bounds them otherwise.
    ///   - ratio: the most bytes to write for each byte read, after the first 64 MiB; nil where `limit` is signed.
    /// - Throws: `ARCHIVE` for a stream that is broken, cut, longer than `limit` or over `ratio`.
    package func decompress(
        _ input: FileDescriptor,
        to output: FileDescriptor,
        limit: Int,
        ratio: Int? = nil
    ) throws(RootcellarError) {
        var written = 0
        func write(_ bytes: RawSpan, _ consumed: Int) throws(RootcellarError) {
            guard bytes.byteCount <= limit - written else {
                throw refuse("more than \(limit) bytes after decompression")
            }
            written += bytes.byteCount
            if let ratio, written > Self.ratioGrace, written / ratio > consumed {
                throw refuse("more than \(ratio) bytes for each compressed one: a decompression bomb")
            }
            do throws(Errno) {
                try writeAll(output, bytes)
            } catch {
                throw systemError(.archive, Self.unheard, error, subject: "")
            }
        }
        switch self {
        case .xz: try decompressXZ(input, write)
        case .zstd: try decompressZstd(input, write)
        case .gzip: try decompressGzip(input, write)
        }
    }

    /// Bytes for which no ratio counts: a small image may well consist of zeros.
    package static let ratioGrace = 64 << 20
}

/// Takes decompressed bytes, and how many compressed ones have been read for them.
typealias DecompressedSink = (RawSpan, Int) throws(RootcellarError) -> Void

/// Fills `buffer` from a compressed file or pipe; fewer bytes only at its end.
func readCompressed(_ input: FileDescriptor, _ buffer: inout [UInt8]) throws(RootcellarError) -> Int {
    do throws(Errno) {
        return try readBlock(input, &buffer)
    } catch {
        throw systemError(.archive, "cannot read the archive", error, subject: "")
    }
}
