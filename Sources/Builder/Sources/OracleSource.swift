// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `oraclelinux-http`: the installer of the newest update of Oracle Linux that has one. Packages come from
/// the same server, where they lie beside the images.
struct OracleSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let definition = context.definition.definition
        let release = definition.image.release
        let architecture = context.rpmArchitecture
        let fetch = try SourceFetch(context)
        let top = "OL\(release)"
        let updates = try fetch.listing(top).names(from: "u", to: "").filter { $0.dropFirst().allSatisfy(\.isNumber) }
        for update in updates.reversed() {
            let directory = "\(top)/\(update)/\(architecture)"
            // An update may be announced before it has images, and has some for other architectures first.
            guard let page = try fetch.page(directory) else { continue }
            guard let name = Self.image(page.names, architecture, definition.source.variant) else { continue }
            let path = "\(directory)/\(name)"
            let installer = Installer(
                context: context,
                fetch: fetch,
                packages: ["basesystem", "oraclelinux-release", "yum"],
                release: Installer.major(release),
                repositories: [try repository(fetch, architecture)]
            )
            let sum = "\(name.dropLast(4)).checksum"
            return try installer.fill(
                from: path,
                [.signature("\(path).asc"), .signature("\(path).sig")]
                    + SourceFetch.listProofs(directory, [sum, "CHECKSUM", "SHA256SUMS"])
            )
        }
        throw RootcellarError(
            .source,
            "none of the updates has an image for \(architecture) that begins without packages or with them",
            subject: fetch.url(top) + "/"
        )
    }

    /// `x86_64-boot.iso`, `x86_64-boot-uek.iso`, `OracleLinux-R9-U4-x86_64-boot.iso`, with a date or without.
    static func image(_ names: [String], _ architecture: String, _ variant: String) -> String? {
        let wanted = variant.isEmpty ? ["boot", "boot-uek", "dvd"] : [variant.lowercased()]
        for flavour in wanted {
            let word = "\(architecture)-\(flavour)"
            let found = names.filter { name in
                guard name.hasSuffix(".iso"), let range = name.firstRange(of: word) else { return false }
                let start = name[..<range.lowerBound]
                let rest = name[range.upperBound...].dropLast(4)
                return (start.isEmpty || start.hasSuffix("-"))
                    && (rest.isEmpty || (rest.hasPrefix("-") && rest.dropFirst().allSatisfy(\.isNumber)))
            }
            if let newest = found.sorted(by: VersionOrder.isOlder).last { return newest }
        }
        return nil
    }

    /// Images lie in `ISOS/OracleLinux`, packages in `repo/OracleLinux` of one server and its mirrors.
    private func repository(_ fetch: SourceFetch, _ architecture: String) throws(RootcellarError) -> String {
        let address = fetch.url("")
        let release = context.definition.definition.image.release
        let inner = "OL\(release)/baseos/latest/\(architecture)/"
        guard let range = address.firstRange(of: "/ISOS/OracleLinux") else { return "repo/OracleLinux/\(inner)" }
        return "\(address[..<range.lowerBound])/repo/OracleLinux/\(inner)"
    }
}
