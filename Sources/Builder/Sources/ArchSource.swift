// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `archlinux-http`: the bootstrap archive, whose root lies in a directory of its own; and the roots of the
/// ports to other processors.
struct ArchSource: RootSource {
    let context: BuildContext

    func fill() throws(RootcellarError) -> OriginState {
        let architecture = context.definition.mappedArchitecture
        let fetch = try SourceFetch(context)
        let path: String
        switch architecture {
        case "x86_64": path = try bootstrap(fetch, architecture)
        case "riscv64": path = "images/archriscv-latest.tar.zst"
        default: path = "os/ArchLinuxARM-\(architecture)-latest.tar.gz"
        }
        return try fetch.image(path, [.signature("\(path).sig")], below: "root.\(architecture)")
    }

    private func bootstrap(_ fetch: SourceFetch, _ architecture: String) throws(RootcellarError) -> String {
        let release = context.definition.definition.image.release
        var date = release
        if release.isEmpty || release == "current" {
            // Directories are called by their dates; others lie beside them.
            date = try fetch.newest(in: "", from: "20", to: "") { name in
                name.utf8.count == 10 && name.split(separator: ".").count == 3
            }
        }
        let page = try fetch.listing(date)
        let start = "archlinux-bootstrap-\(date)-\(architecture).tar."
        guard let name = ["zst", "gz"].map({ start + $0 }).first(where: { page.names.contains($0) }) else {
            throw RootcellarError(.source, "there is no \(start)zst", subject: fetch.url(date))
        }
        return "\(date)/\(name)"
    }
}
