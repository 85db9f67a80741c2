// SPDX-License-Identifier: Apache-2.0

package import Model

/// The index that stock LXC clients read: lines `distribution;release;architecture;variant;serial;path`.
package struct FileIndex {
    /// The most bytes of an index.
    package static let limit = 16 << 20
    /// The builds in the order of the file. Rows of images that cannot be named here are left out.
    package private(set) var builds: [PlainBuild] = []

    /// Reads a whole index. Lines may lack a final line feed; everything else is as the writers write it.
    ///
    /// - Throws: `BINDING` for a row whose path is not the one of its own names, for one image twice, and for more than
    ///   100 000 lines.
    package init(_ bytes: [UInt8], subject: String) throws(RootcellarError) {
        func refuse(_ why: String, _ line: Int) -> RootcellarError {
            RootcellarError(.binding, why, subject: "\(subject):\(line)")
        }
        var seen: Set<ImageName> = []
        var number = 0
        for line in bytes.split(separator: 0x0A) {
            number += 1
            guard number <= 100_000, line.count <= 4096 else { throw refuse("more than an index may have", number) }
            guard let text = String(validating: line, as: UTF8.self),
                !text.unicodeScalars.contains(where: isUnprintable)
            else { throw refuse("not printable text", number) }
            let fields = text.split(separator: ";", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 6 else { throw refuse("\(fields.count) fields where six are needed", number) }
            // Names that are none here (upper case, say) may be somebody else's images.
            guard
                let name = try? ImageName(
                    distribution: fields[0],
                    release: fields[1],
                    architecture: fields[2],
                    variant: fields[3]
                )
            else { continue }
            guard PlainBuild.isSerial(fields[4]) else { throw refuse("not a serial", number) }
            let directory = "images/\(name.path)/\(fields[4])"
            guard fields[5] == "/\(directory)/" else {
                throw refuse("a path that is not the one of its image and serial", number)
            }
            guard seen.insert(name).inserted else { throw refuse("\(name) for a second time", number) }
            builds.append(
                PlainBuild(
                    name: name,
                    serial: fields[4],
                    rootfs: PlainBuild.File(path: "\(directory)/rootfs.tar.xz"),
                    metadata: PlainBuild.File(path: "\(directory)/meta.tar.xz"),
                    directory: directory
                )
            )
        }
    }
}
