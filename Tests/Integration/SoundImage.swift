// SPDX-License-Identifier: Apache-2.0

import Archive
import Model
import SiteSupport
import SystemPackage
import TestSupport

/// An image directory whose files keep every promise, except for what a test changes. It is too small to boot.
struct SoundImage {
    var image = SyntheticImage()
    var tar = RawTar()
    /// The members of `incus.tar.xz`.
    var instance: [(name: String, text: String)]
    /// Changes what `image.json` says.
    var document: (inout ImageDocument) -> Void = { _ in }

    /// - Parameter age: seconds since the build's serial.
    init(age: Int64 = 60) {
        for directory in ["sbin/", "etc/", "usr/"] { tar.add(directory, type: "5", mode: 0o755) }
        tar.add("sbin/init", text: "#!\n", mode: 0o755)
        tar.add("etc/hostname", text: "LXC_NAME\n")
        tar.add("etc/hosts", text: "127.0.1.1 LXC_NAME\n")
        image.age = age
        let created = image.serial.time.seconds
        instance = [
            (
                "metadata.yaml",
                """
                architecture: "amd64"
                creation_date: \(created)
                expiry_date: \(created + 86400)
                properties:
                  os: example
                  release: one
                  variant: default
                  serial: "\(image.serial)"
                templates:
                  /etc/hostname:
                    when: [create]
                    template: hostname.tpl

                """
            ),
            ("templates/hostname.tpl", "{{ container.name }}\n"),
        ]
        metadata("expiry", "\(created + 86400)\n")
    }

    /// Replaces a member of `meta.tar.xz`, or leaves it out.
    mutating func metadata(_ name: String, _ text: String?) {
        image.metadata.removeAll { $0.name == name }
        if let text { image.metadata.append((name, text)) }
    }

    /// Replaces words in `metadata.yaml`.
    mutating func instance(_ old: String, _ new: String) {
        instance[0].text = instance[0].text.replacing(old, with: new)
    }

    /// Writes the directory.
    @discardableResult
    func write(to directory: FilePath) async throws -> FilePath {
        var image = image
        image.tar = (tar.finished, tar.entries, tar.content, nil)
        try await image.write(to: directory)
        var archive = SmallArchive(epoch: SyntheticImage.epoch)
        for member in instance { archive.add(member.name, Array(member.text.utf8)) }
        let file = try archive.write(to: directory.appending("incus.tar.xz"))
        let path = directory.appending(ImageDocument.fileName)
        var written = try ImageDocument(verified: try read(path), subject: path.string)
        written.files["incus.tar.xz"] = file
        document(&written)
        try SiteSupport.write(try written.canonicalBytes(), to: path)
        return directory
    }
}
