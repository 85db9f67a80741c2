// SPDX-License-Identifier: Apache-2.0

import Model

/// The name of an installer's image: `PRODUCT-VERSION-…-ARCHITECTURE-VARIANT[-DATE].iso`, as the family of RHEL has them.
struct InstallerName {
    /// How directly the name says which image it is.
    enum Kind: Int {
        /// A release.
        case release
        /// A beta or a candidate, taken if there is nothing else.
        case candidate
        /// A second name of another image, whose sum may not be listed.
        case alias
    }

    let kind: Kind

    /// Reads a name; nil if it is another product, version, architecture or variant.
    ///
    /// - Parameters:
    ///   - product: its words, `CentOS-Stream` for instance.
    ///   - version: all of it, or its beginning up to a dot.
    init?(_ name: String, product: String, version: String, architecture: String, variant: String) {
        guard name.hasPrefix("\(product)-"), name.hasSuffix(".iso") else { return nil }
        var words = name.dropFirst(product.utf8.count + 1).dropLast(4).split(separator: "-").map { $0.lowercased() }
        var kind = Kind.release
        func take(_ fits: (String) -> Bool) -> Bool {
            guard let index = words.firstIndex(where: fits) else { return false }
            words.remove(at: index)
            return true
        }
        guard let first = words.first, first == version || first.hasPrefix("\(version)."), take({ $0 == first }),
            take({ $0 == architecture.lowercased() }), take({ $0 == variant.lowercased() })
        else { return nil }
        if take({ $0 == "latest" }) { kind = .alias }
        if take({ $0 == "beta" || $0 == "rc" }) { kind = .candidate }
        // What is left are dates and numbers.
        guard words.allSatisfy({ $0.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") } }) else { return nil }
        self.kind = kind
    }
}

extension SourceFetch {
    /// The path of the newest image of an installer in a directory.
    ///
    /// - Throws: `SOURCE` if there is none.
    func installer(
        in directory: String,
        product: String,
        version: String,
        architecture: String,
        variant: String
    ) throws(RootcellarError) -> String {
        let page = try listing(directory)
        var best: (name: String, kind: InstallerName.Kind)?
        for name in page.names(from: "\(product)-", to: ".iso") {
            guard
                let read = InstallerName(
                    name,
                    product: product,
                    version: version,
                    architecture: architecture,
                    variant: variant
                )
            else { continue }
            // Names are in the order of their versions.
            if best.map({ read.kind.rawValue <= $0.kind.rawValue }) ?? true { best = (name, read.kind) }
        }
        guard let best else {
            throw RootcellarError(
                .source,
                "no image there is called \(product)-\(version)…-\(architecture)-\(variant).iso",
                subject: url(directory) + "/",
                hint: "source.variant says which one: boot, minimal, dvd, dvd1"
            )
        }
        return "\(directory)/\(best.name)"
    }

    /// How the family of RHEL vouches for its images, by a list that may be called in several ways.
    static func listProofs(_ directory: String, _ names: [String]) -> [SourceProof] {
        let lists = names.map { "\(directory)/\($0)" }
        return lists.flatMap { list -> [SourceProof] in
            [
                .signedList(list, .sha256), .signedList("\(list).asc", .sha256),
                .list(list, .sha256, signature: "\(list).asc"), .list(list, .sha256, signature: "\(list).sig"),
            ]
        } + lists.map { .plainList($0, .sha256) }
    }
}
