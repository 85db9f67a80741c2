// SPDX-License-Identifier: Apache-2.0

import Model

/// What the page of an image, its row in the catalogue and its feed say.
struct ImageContext {
    let tree: PublishedState
    let name: ImageName
    let image: IndexShard.Image
    /// Oldest first.
    let facts: [BuildFacts]
    /// The build that clients are given.
    let shown: BuildFacts

    /// The most builds in a feed.
    private static let entries = 20
    /// Where the top of the tree is, seen from the image's page.
    private static let top = "../../../../../"

    /// The image's row in the catalogue.
    var row: [String: Any] {
        identity.merging([
            "path": "images/\(name.path)/",
            "date": shown.build.serial.time.description,
            "day": Words.minute(shown.build.serial.time),
            "size": Words.bytes(shown.size),
            "bytes": String(shown.size),
            "tested": shown.build.tested,
        ]) { $1 }
    }

    /// The image's page.
    var page: [String: Any] {
        let document = shown.document
        let channels: [[String: Any]] = (image.channels ?? []).compactMap { channel in
            channel.steps.last.map { ["name": channel.name, "serial": $0.serial.description] }
        }
        var context = identity.merging([
            "feed_here": true,
            "title": "\(name.distribution) \(name.release) \(name.architecture) \(name.variant)",
            "top": Self.top,
            "server": tree.root.server,
            "summary": document.summary,
            "shown": serial(shown),
            "entries": Words.count(document.tar.entries),
            "unpacked": Words.bytes(document.tar.unpackedBytes),
            "download": Words.bytes(shown.size),
            "fresh": moment(shown.build.serial.time.adding(seconds: Int64(document.lifetime))),
            "builds": facts.reversed().map(build),
            "more": image.builds.count > facts.count,
            "packages": document.packages.map(package),
            "package_count": String(document.packages.count),
            "files": fileList,
            "tests": tests,
            "signers": signers,
            "until": moment(tree.manifest.validUntil),
            "taints": document.taints,
        ]) { $1 }
        if !channels.isEmpty { context["channels"] = ["list": channels] }
        if let changes { context["changes"] = ["list": changes] }
        let sizes = [Plot.Line(name: "download", points: points { Double($0.size) })]
        if let plot = Plot(title: "Size of the download", lines: sizes, unit: { Words.bytes(Int($0)) }) {
            context["size_plot"] = plot.svg
        }
        let boots = bootLines
        if let plot = Plot(title: "Time to boot", lines: boots, unit: { "\(Words.decimal($0)) s" }) {
            context["boot_plot"] = plot.svg
        }
        return context
    }

    /// The image's feed.
    var feed: [String: Any] {
        let newest = facts.last?.build
        return [
            "title": "\(name.path) (\(tree.root.server))",
            "id": "urn:rootcellar:\(tree.root.server):\(name.path)",
            "updated": (newest.map { $0.published ?? $0.serial.time } ?? tree.manifest.signedAt).description,
            "page": "./",
            "entries": facts.suffix(Self.entries).reversed().map { fact -> [String: Any] in
                Self.entry(
                    of: name.path,
                    fact.build.image.sha256.description,
                    "\(name.path) \(fact.build.serial)" + (fact.revocation == nil ? "" : ", revoked"),
                    (fact.build.published ?? fact.build.serial.time).description,
                    "./#\(anchor(fact.build.serial))",
                    fact.revocation.map { "Revoked: \($0)" } ?? fact.document.summary
                )
            },
        ]
    }

    /// One entry of a feed.
    static func entry(
        of name: String,
        _ image: String,
        _ title: String,
        _ updated: String,
        _ page: String,
        _ summary: String
    ) -> [String: Any] {
        [
            "part": PagePart.mark(name), "id": "urn:sha256:\(image)", "title": title, "updated": updated, "page": page,
            "summary": summary,
        ]
    }

    private var identity: [String: Any] {
        [
            "name": name.path,
            "part": PagePart.mark(name.path),
            "distribution": name.distribution,
            "release": name.release,
            "architecture": name.architecture,
            "variant": name.variant,
            "is_default": name.variant == "default",
            "alias": name.variant == "default"
                ? "\(name.distribution)/\(name.release)" : "\(name.distribution)/\(name.release)/\(name.variant)",
        ]
    }

    private func anchor(_ serial: Serial) -> String {
        "build-" + String(serial.description.map { $0 == ":" ? "-" : $0 })
    }

    private func moment(_ time: Timestamp) -> [String: Any] {
        ["date": time.description, "day": Words.minute(time)]
    }

    private func serial(_ fact: BuildFacts) -> [String: Any] {
        moment(fact.build.serial.time).merging([
            "serial": fact.build.serial.description, "anchor": anchor(fact.build.serial),
            "tested": fact.build.tested,
        ]) { $1 }
    }

    private func build(_ fact: BuildFacts) -> [String: Any] {
        var context = serial(fact)
        context["size"] = Words.bytes(fact.size)
        context["package_count"] = String(fact.document.packages.count)
        context["directory"] = "\(fact.build.serial)/"
        if fact.build.serial == shown.build.serial { context["is_shown"] = true }
        if let reason = fact.revocation { context["revoked"] = ["reason": reason] }
        if !fact.boots.isEmpty {
            context["boots"] = fact.boots.map { "\($0.name) \(Words.decimal(Double($0.milliseconds) / 1000)) s" }
                .joined(separator: ", ")
        }
        context["links"] = ["image.json", "sbom.spdx.json", "image.yaml", "build.log", "test.json", "test.log"]
            .filter { $0 == ImageDocument.fileName || fact.document.files[$0] != nil }
        return context
    }

    private func package(_ package: ImageDocument.Package) -> [String: Any] {
        ["name": package.name, "version": package.version, "architecture": package.architecture]
    }

    /// What every build changed in the one before, newest first; nil for a single build.
    private var changes: [[String: Any]]? {
        guard facts.count > 1 else { return nil }
        return zip(facts, facts.dropFirst()).reversed().map { old, new in
            let changes = PackageChanges(from: old.document.packages, to: new.document.packages)
            return [
                "from": old.build.serial.description,
                "to": new.build.serial.description,
                "count": String(changes.count),
                "is_same": changes.count == 0,
                "added": changes.added.map(package),
                "removed": changes.removed.map(package),
                "changed": changes.changed.map { ["name": $0.name, "from": $0.from, "to": $0.to] },
            ]
        }
    }

    private var fileList: [[String: Any]] {
        shown.document.files.sorted { $0.key < $1.key }.map { file, value in
            [
                "file": file,
                "path": "\(shown.build.serial)/\(file)",
                "size": Words.bytes(value.size),
                "bytes": String(value.size),
                "sha256": value.sha256.description,
            ]
        }
    }

    private var tests: [[String: Any]] {
        (shown.document.tests ?? [:]).sorted { $0.key < $1.key }.map {
            ["name": $0.key, "outcome": $0.value.rawValue, "is_good": $0.value == .passed]
        }
    }

    private var signers: [String] {
        ((try? tree.root.keys(of: .release))?.fingerprints ?? []).map(\.description)
    }

    private func points(_ value: (BuildFacts) -> Double?) -> [Plot.Point] {
        facts.compactMap { fact in
            value(fact).map {
                Plot.Point(time: fact.build.serial.time, value: $0, label: fact.build.serial.description)
            }
        }
    }

    private var bootLines: [Plot.Line] {
        Set(facts.flatMap { $0.boots.map(\.name) }).sorted().map { trial in
            Plot.Line(
                name: trial,
                points: points { fact in
                    fact.boots.first { $0.name == trial }.map { Double($0.milliseconds) / 1000 }
                }
            )
        }
    }
}
