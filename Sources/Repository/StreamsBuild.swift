// SPDX-License-Identifier: Apache-2.0

import Model

/// What the catalogue for LXD and Incus says of one build.
struct StreamsBuild {
    let serial: Serial
    /// Of the image, as its newest build has them.
    let requirements: [String: String]
    private let path: String
    private let metadata: ImageDocument.File
    private let squashfs: ImageDocument.File?
    private let tar: ImageDocument.File?
    private let fingerprints: [String: SHA256Digest]
    private let delta: (base: Serial, name: String, file: ImageDocument.File)?

    /// The metadata archive of LXD and Incus.
    static let metadata = "incus.tar.xz"
    /// The forms of a rootfs that they take, the preferred one first.
    static let rootfs = ["rootfs.squashfs", "rootfs.tar.xz"]

    /// Nil for a build that neither of the two can use.
    init?(_ name: ImageName, _ document: ImageDocument) {
        guard let metadata = document.files[Self.metadata], let fingerprints = document.fingerprints,
            !fingerprints.isEmpty
        else { return nil }
        serial = document.serial
        requirements = document.requirements ?? [:]
        path = TreePath.build(name, document.serial)
        self.metadata = metadata
        self.fingerprints = fingerprints
        squashfs = fingerprints["rootfs.squashfs"] == nil ? nil : document.files["rootfs.squashfs"]
        tar = fingerprints["rootfs.tar.xz"] == nil ? nil : document.files["rootfs.tar.xz"]
        let deltas = document.files.filter { $0.key.hasSuffix(".squashfs.vcdiff") }
        // Two would corrupt the result in every client that has both bases.
        if deltas.count == 1, let (file, reference) = deltas.first, squashfs != nil,
            let base = try? Serial(String(file.dropFirst("from-".count).prefix(14))),
            ImageDocument.squashfsDeltaName(from: base) == file
        {
            delta = (base, file, reference)
        } else {
            delta = nil
        }
    }

    /// A serial as the catalogue writes it: current LXD reads the time of exactly this form.
    static func key(_ serial: Serial) -> String { serial.description.filter { $0 != ":" } }

    /// The line of the build, without a separator.
    ///
    /// - Parameter listed: the builds of the image that the catalogue names: a delta has to have its base among them.
    func line(listed: Set<Serial>) -> [UInt8] {
        var items: [String] = []
        for kind in ["incus.tar.xz", "lxd.tar.xz"] {
            var fields = Self.fields(kind, "\(path)/\(Self.metadata)", metadata)
            if let fingerprint = fingerprints["rootfs.tar.xz"], tar != nil {
                fields.append(("combined_rootxz_sha256", "\"\(fingerprint)\""))
                fields.append(("combined_sha256", "\"\(fingerprint)\""))
            }
            if let fingerprint = fingerprints["rootfs.squashfs"], squashfs != nil {
                fields.append(("combined_squashfs_sha256", "\"\(fingerprint)\""))
            }
            items.append(Self.item(kind, fields))
        }
        if let tar { items.append(Self.item("root.tar.xz", Self.fields("root.tar.xz", "\(path)/rootfs.tar.xz", tar))) }
        if let squashfs {
            items.append(Self.item("squashfs", Self.fields("squashfs", "\(path)/rootfs.squashfs", squashfs)))
        }
        if let delta, listed.contains(delta.base) {
            var fields = Self.fields("squashfs.vcdiff", "\(path)/\(delta.name)", delta.file)
            fields.append(("delta_base", "\"\(Self.key(delta.base))\""))
            items.append(Self.item("squashfs.vcdiff", fields))
        }
        return Array("\"\(Self.key(serial))\":{\"items\":{\(items.joined(separator: ","))}}".utf8)
    }

    /// Nothing in here has to be escaped: names, hashes and numbers, all checked before.
    private static func fields(
        _ kind: String,
        _ path: String,
        _ file: ImageDocument.File
    ) -> [(String, String)] {
        [
            ("ftype", "\"\(kind)\""), ("path", "\"\(path)\""), ("sha256", "\"\(file.sha256)\""),
            ("size", "\(file.size)"),
        ]
    }

    private static func item(_ key: String, _ fields: [(String, String)]) -> String {
        let text = fields.sorted { $0.0 < $1.0 }.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",")
        return "\"\(key)\":{\(text)}"
    }
}
