// SPDX-License-Identifier: Apache-2.0

import Model

/// What the API says, as `openapi.json` describes it.
enum APIAnswers {
    /// `GET /api/1/images`.
    struct Images: Encodable {
        var format = documentFormat
        var server: String
        /// The version of the manifest in force.
        var manifest: Int
        var images: [Image]
    }

    /// One image with its builds.
    struct Image: Encodable {
        var name: String
        var distribution: String
        var release: String
        var architecture: String
        var variant: String
        /// The serial of the build that clients are given; none if all were taken back.
        var current: Serial?
        /// Oldest first.
        var builds: [Build]

        init(_ name: ImageName, _ entry: IndexShard.Image, revoked: [SHA256Digest: String]) {
            self.name = name.path
            distribution = name.distribution
            release = name.release
            architecture = name.architecture
            variant = name.variant
            current = entry.current(revoked: Set(revoked.keys))?.serial
            builds = entry.builds.map { build in
                Build(
                    serial: build.serial,
                    tested: build.tested,
                    published: build.published,
                    revoked: revoked[build.image.sha256],
                    path: TreePath.build(name, build.serial)
                )
            }
        }
    }

    /// One build of an image.
    struct Build: Encodable {
        var serial: Serial
        var tested: Bool
        var published: Timestamp?
        /// Why it was taken back, if it was.
        var revoked: String?
        /// Its directory below the top of the tree.
        var path: String
    }

    /// `GET /api/1/images/…/SERIAL`.
    struct Document: Encodable {
        var format = documentFormat
        var name: String
        var serial: Serial
        var summary: String
        var created: Timestamp
        var files: [String: FileReference]
        var packages: [ImageDocument.Package]
        var taints: [String]
        var tests: [String: TestReport.Outcome]?

        init(_ name: ImageName, _ document: ImageDocument) {
            self.name = name.path
            serial = document.serial
            summary = document.summary
            created = document.created
            files = document.files.mapValues(\.reference)
            packages = document.packages
            taints = document.taints
            tests = document.tests
        }
    }

    /// `GET /api/1/compare/…`.
    struct Comparison: Encodable {
        var format = documentFormat
        var name: String
        var from: Serial
        var to: Serial
        var added: [Package]
        var removed: [Package]
        var upgraded: [PackageChanges.Change]
        var downgraded: [PackageChanges.Change]

        struct Package: Encodable, Equatable {
            var name: String
            var architecture: String
            var version: String

            init(_ package: ImageDocument.Package) {
                name = package.name
                architecture = package.architecture
                version = package.version
            }
        }

        init(_ name: ImageName, _ old: ImageDocument, _ new: ImageDocument) {
            self.name = name.path
            (from, to) = (old.serial, new.serial)
            let changes = PackageChanges(from: old.packages, to: new.packages)
            added = changes.added.map(Package.init)
            removed = changes.removed.map(Package.init)
            upgraded = changes.changed.filter { !$0.isDowngrade }
            downgraded = changes.changed.filter(\.isDowngrade)
        }
    }

    /// `GET /api/1/search`.
    struct Search: Encodable {
        var format = documentFormat
        var package: String
        var found: [Hit]

        struct Hit: Encodable {
            var image: String
            var serial: Serial
            var version: String
            var architecture: String
        }
    }

    /// Whatever is not an answer.
    struct Failure: Encodable {
        var error: String
    }
}
