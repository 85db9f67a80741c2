// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Model
import SystemPackage

extension Contract {
    /// `metadata.yaml` and the templates of `incus.tar.xz`.
    func instances() throws(CheckFault) -> String? {
        guard image.document.files["incus.tar.xz"] != nil else {
            throw .notRun("the image has no files for LXD and Incus")
        }
        let archive = try image.metadata("incus.tar.xz")
        var files: [String: [UInt8]] = [:]
        try finding { () throws(RootcellarError) in
            let reader = TarReader(bytes: archive)
            while let entry = try reader.next() {
                guard entry.kind == .file else { continue }
                var content: [UInt8] = []
                try reader.readContent { bytes throws(RootcellarError) in
                    unsafe bytes.withUnsafeBytes { unsafe content.append(contentsOf: $0) }
                }
                files[String(decoding: entry.path, as: UTF8.self)] = content
            }
        }
        guard let text = files[InstanceMetadata.fileName] else { throw .failed("there is no metadata.yaml") }
        let metadata = try finding { () throws(RootcellarError) in
            try InstanceMetadata(String(decoding: text, as: UTF8.self))
        }
        let name = image.name
        guard let architecture = Architecture(name: metadata.architecture),
            architecture.debianName(writtenAs: metadata.architecture) == name.architecture
        else {
            throw .failed("metadata.yaml: the architecture is '\(metadata.architecture)', not \(name.architecture)")
        }
        guard metadata.creationDate > 0, metadata.creationDate <= now.seconds + 86400 else {
            throw .failed("metadata.yaml: creation_date is \(metadata.creationDate)")
        }
        // Zero is how the two write "never".
        if metadata.expiryDate != 0 { try expiry(metadata.expiryDate, "metadata.yaml") }
        let wanted = [
            "os": name.distribution, "release": name.release, "variant": name.variant,
            "serial": image.document.serial.description,
        ]
        for (key, value) in wanted.sorted(by: { $0.key < $1.key }) {
            guard let found = metadata.properties[key] else {
                throw .failed("metadata.yaml: there is no property \(key)")
            }
            guard found.lowercased() == value.lowercased() else {
                throw .failed("metadata.yaml: \(key) is '\(found)', the image is \(name), \(image.document.serial)")
            }
        }
        try templates(metadata, files)
        return "\(metadata.templates.count) templates"
    }

    private func templates(
        _ metadata: InstanceMetadata,
        _ files: [String: [UInt8]]
    ) throws(CheckFault) {
        for (path, file) in metadata.templates.sorted(by: { $0.key < $1.key }) {
            guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else {
                throw .failed("metadata.yaml: the template '\(path)' is not an absolute path")
            }
            guard files["templates/\(file)"] != nil else {
                throw .failed("metadata.yaml: the template \(file) of \(path) is not in the archive")
            }
        }
        let used = Set(metadata.templates.values.map { "templates/\($0)" })
        if let unused = files.keys.filter({ $0.hasPrefix("templates/") && !used.contains($0) }).sorted().first {
            throw .failed("\(unused) is used by nothing in metadata.yaml")
        }
    }
}
