// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Model

/// `sbom.spdx.json`: what is in an image, in the form that auditors' tools read (SPDX 2.3).
struct BillOfMaterials {
    /// Its name in the image directory.
    static let fileName = "sbom.spdx.json"

    let name: ImageName
    let serial: Serial
    let created: Timestamp
    let installed: InstalledPackages
    /// Of the root, which makes the document's own name unlike any other.
    let tar: ImageDocument.Tar

    private struct Document: Encodable {
        var spdxVersion = "SPDX-2.3"
        var dataLicense = "CC0-1.0"
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var SPDXID = "SPDXRef-DOCUMENT"
        var name: String
        var documentNamespace: String
        var creationInfo: CreationInfo
        var packages: [Package]
        var relationships: [Relationship]
    }

    private struct CreationInfo: Encodable {
        var created: String
        var creators: [String]
    }

    private struct Package: Encodable {
        // swift-format-ignore: AlwaysUseLowerCamelCase
        var SPDXID: String
        var name: String
        var versionInfo: String
        var downloadLocation = "NOASSERTION"
        var filesAnalyzed = false
        var licenseConcluded = "NOASSERTION"
        var licenseDeclared = "NOASSERTION"
        var copyrightText = "NOASSERTION"
        var supplier = "NOASSERTION"
        var primaryPackagePurpose: String?
        var sourceInfo: String?
        var checksums: [Checksum]?
        var externalRefs: [Reference]?
    }

    private struct Checksum: Encodable {
        var algorithm = "SHA256"
        var checksumValue: String
    }

    private struct Reference: Encodable {
        var referenceCategory = "PACKAGE-MANAGER"
        var referenceType = "purl"
        var referenceLocator: String
    }

    private struct Relationship: Encodable {
        var spdxElementId: String
        var relationshipType: String
        var relatedSpdxElement: String
    }

    /// The document's bytes: the same for the same image.
    func bytes() throws(RootcellarError) -> [UInt8] {
        let image = Package(
            SPDXID: "SPDXRef-Image",
            name: "\(name)",
            versionInfo: serial.description,
            primaryPackagePurpose: "OPERATING-SYSTEM",
            checksums: [Checksum(checksumValue: tar.sha256.description)]
        )
        var packages = [image]
        var relationships = [
            Relationship(
                spdxElementId: "SPDXRef-DOCUMENT",
                relationshipType: "DESCRIBES",
                relatedSpdxElement: image.SPDXID
            )
        ]
        for (number, package) in installed.packages.enumerated() {
            let id = "SPDXRef-Package-\(number + 1)"
            packages.append(
                Package(
                    SPDXID: id,
                    name: package.name,
                    versionInfo: package.version,
                    sourceInfo: package.source.map { "built from the source package \($0)" },
                    externalRefs: purl(package).map { [Reference(referenceLocator: $0)] }
                )
            )
            relationships.append(
                Relationship(spdxElementId: image.SPDXID, relationshipType: "CONTAINS", relatedSpdxElement: id)
            )
        }
        let document = Document(
            name: "\(name) \(serial)",
            documentNamespace: "https://spdx.org/spdxdocs/rootcellar-\(tar.sha256)",
            creationInfo: CreationInfo(created: created.description, creators: ["Tool: rootcellar-\(programVersion)"]),
            packages: packages,
            relationships: relationships
        )
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(document)) + [0x0A]
        } catch {
            throw RootcellarError(.internal, "cannot write the bill of materials: \(error)")
        }
    }

    /// The package's URL (package-url specification): type, distribution, name and version, the architecture.
    private func purl(_ package: ImageDocument.Package) -> String? {
        guard let type = installed.type, !["opkg", "slackware"].contains(type) else { return nil }
        let version = Self.quoted(package.version)
        let space = type == "alpm" ? "arch" : name.distribution
        return
            "pkg:\(type)/\(Self.quoted(space))/\(Self.quoted(package.name))@\(version)?arch=\(Self.quoted(package.architecture))"
    }

    /// Percent-encoded but for what may stand in a package URL as it is.
    static func quoted(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E, 0x3A:
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let hex = String(byte, radix: 16, uppercase: true)
                result += hex.utf8.count == 1 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return result
    }
}
