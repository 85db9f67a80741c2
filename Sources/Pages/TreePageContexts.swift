// SPDX-License-Identifier: Apache-2.0

import Model

/// What the pages of the whole tree say: the catalogue, trust, status and the feed of all images.
struct TreePageContexts {
    let tree: PublishedState
    /// Of every image, in the order of their names.
    let rows: [ImageRow]

    /// The most images in the feed of all, and in each list of the status.
    private static let entries = 50

    /// The catalogue, but for its rows: they are megabytes that no template has to carry.
    var catalogue: [String: Any] {
        common.merging([
            "title": "Images of \(tree.root.server)",
            "count": String(rows.count),
            "rows": Self.place,
        ]) { $1 }
    }

    /// Where the rows go. Text from outside cannot have it: a control character is not let through.
    private static let place = "\u{1}rows\u{1}"

    /// The page with its rows.
    func withRows(_ page: [UInt8]) -> [UInt8] {
        let place = Array(Self.place.utf8)
        guard let at = page.firstIndex(of: place[0]) else { return page }
        var result = Array(page[..<at])
        result.reserveCapacity(page.count + rows.reduce(0) { $0 + $1.html.count + 1 })
        for (number, row) in rows.enumerated() {
            if number > 0 { result.append(0x0A) }
            result += row.html
        }
        return result + page[(at + place.count)...]
    }

    /// How to trust this server.
    var trust: [String: Any] {
        let roles: [[String: Any]] = Role.allCases.compactMap { role in
            guard let keys = tree.root.roles[role] else { return nil }
            return [
                "role": role.rawValue,
                "threshold": String(keys.threshold),
                "of": String(keys.fingerprints.count),
                "keys": keys.fingerprints.map(\.description),
            ]
        }
        let fingerprint = (try? tree.root.keys(of: .root))?.fingerprints.first?.description ?? ""
        return common.merging([
            "title": "Trust in \(tree.root.server)",
            "fingerprint": fingerprint,
            "roles": roles,
            "history": (1...max(tree.root.version, 1)).reversed().map { version -> [String: Any] in
                [
                    "version": String(version), "document": TreePath.root(version), "keys": TreePath.rootKeys(version),
                    "is_current": version == tree.root.version,
                ]
            },
            "expires": moment(tree.root.expires),
            "has_revoked": !tree.manifest.revoked.isEmpty,
            "revoked": tree.manifest.revoked.map { ["image": $0.image.description, "reason": $0.reason] },
        ]) { $1 }
    }

    /// How the tree is doing.
    var status: [String: Any] {
        let untested = rows.filter { !$0.untestedSince.isEmpty }
        let due = rows.sorted { ($0.fresh, $0.name) < ($1.fresh, $1.name) }.prefix(Self.entries)
        return common.merging([
            "title": "Status of \(tree.root.server)",
            "mark": tree.mark,
            "published": moment(tree.manifest.signedAt),
            "version": String(tree.manifest.version),
            "signed": moment(tree.pointer.signedAt),
            "expiring": [
                expiry(
                    "pointer",
                    "renewed by every publication and by 'rootcellar repo refresh'",
                    tree.pointer.validUntil
                ),
                expiry("manifest", "renewed by every publication", tree.manifest.validUntil),
                expiry("root document", "renewed by 'rootcellar key renew'", tree.root.expires),
            ],
            "untested": untested.prefix(Self.entries).map { row -> [String: Any] in
                ["name": row.name, "part": PagePart.mark(row.name), "since": built(row.untestedSince)]
            },
            "untested_count": String(untested.count),
            "has_untested": !untested.isEmpty,
            "has_due": !due.isEmpty,
            "due": due.map { row -> [String: Any] in
                [
                    "name": row.name, "part": PagePart.mark(row.name), "built": built(row.serial),
                    "fresh": moment(row.fresh),
                ]
            },
        ]) { $1 }
    }

    /// The newest build of the images that were published last.
    var feed: [String: Any] {
        let newest = rows.sorted { ($1.published, $0.name) < ($0.published, $1.name) }.prefix(Self.entries)
        return [
            "title": "Images of \(tree.root.server)",
            "id": "urn:rootcellar:\(tree.root.server)",
            "updated": tree.manifest.signedAt.description,
            "page": "./",
            "entries": newest.map { row in
                ImageContext.entry(
                    of: row.name,
                    row.image,
                    "\(row.name) \(row.serial)",
                    row.published,
                    "images/\(row.name)/",
                    row.summary
                )
            },
        ]
    }

    private var common: [String: Any] { ["top": "", "server": tree.root.server] }

    private func moment(_ time: Timestamp) -> [String: Any] { moment(time.description) }

    private func moment(_ time: String) -> [String: Any] { ["date": time, "day": Words.minute(time)] }

    private func built(_ serial: String) -> [String: Any] {
        moment((try? Serial(serial))?.time.description ?? "")
    }

    private func expiry(_ what: String, _ how: String, _ until: Timestamp) -> [String: Any] {
        ["what": what, "how": how, "until": moment(until)]
    }
}
