// SPDX-License-Identifier: Apache-2.0

import Archive
import ArgumentParser
import Definition
import Model
import Nightly
import Repository
import SystemPackage

/// A catalogue, the tree that it is built for, and a choice of its images.
struct CatalogOptions: ParsableArguments {
    @Argument(help: "A catalogue of what is built, in YAML.") var catalog: String
    @Option(help: "The tree that the images are published in.") var repo: String
    @Option(help: "Only images of such names, as in debian/*/amd64; may be repeated.") var only: [String] = []
    @Option(help: "An architecture of the machine; may be repeated.") var architecture: [String] = []
    @Option(help: "A label of the machine; may be repeated.") var label: [String] = []

    /// A catalogue, read against its tree.
    struct Loaded {
        /// What is chosen of it.
        var plan: BuildPlan
        /// The newest serial of each published image, also if that build was taken back.
        var latest: [ImageName: Serial]
        /// What is wrong with definitions.
        var faults: [RootcellarError]
    }

    /// Reads everything.
    ///
    /// - Parameters:
    ///   - machine: whose images are meant; nil for all.
    ///   - state: what is remembered of earlier runs.
    func load(machine: Machine?, state: NightlyState, now: Timestamp) throws(RootcellarError) -> Loaded {
        let path = FilePath(catalog)
        guard let text = String(validating: try Self.read(path), as: UTF8.self) else {
            throw RootcellarError(.definition, "not UTF-8", subject: catalog)
        }
        let matrix = try BuildMatrix(
            BuildCatalogFile.load(text: text, path: catalog),
            directory: path.removingLastComponent().string,
            now: now
        ) { path throws(RootcellarError) in try Self.read(FilePath(path)) }
        var patterns: [ImagePattern] = []
        for text in only { patterns.append(try ImagePattern(text)) }
        let images = matrix.images.filter { image in
            (patterns.isEmpty || patterns.contains { $0.matches(image.name) }) && (machine?.takes(image) ?? true)
        }
        guard !images.isEmpty || patterns.isEmpty || !matrix.faults.isEmpty else {
            throw RootcellarError(
                .usage,
                "no image of the catalogue has such a name",
                subject: only.joined(separator: " ")
            )
        }
        let found = try PublishedImages(tree: localTree(repo), now: now).find(images.map(\.name))
        return Loaded(
            plan: BuildPlan(
                images,
                published: found.compactMapValues { $0.current.map { PublishedBuild($0) } },
                state: state,
                now: now
            ),
            latest: found.mapValues(\.latest),
            faults: matrix.faults
        )
    }

    /// The machine of the options; nil if they describe none.
    func machine() throws(RootcellarError) -> Machine? {
        guard !architecture.isEmpty || !label.isEmpty else { return nil }
        var names: Set<String> = []
        for name in architecture {
            guard let known = Architecture(name: name) else {
                throw RootcellarError(
                    .usage,
                    "not an architecture",
                    subject: name,
                    hint: nearestName(to: name, among: Architecture.knownNames).map { "did you mean '\($0)'?" }
                )
            }
            names.insert(known.debianName(writtenAs: name))
        }
        return Machine(architectures: names.isEmpty ? try Self.ownArchitecture() : names, labels: Set(label))
    }

    /// The machine that this program runs on.
    func thisMachine() throws(RootcellarError) -> Machine {
        if let machine = try machine() { return machine }
        return Machine(architectures: try Self.ownArchitecture(), labels: [])
    }

    private static func ownArchitecture() throws(RootcellarError) -> Set<String> {
        let name = hostArchitecture()
        guard let own = Architecture(name: name) else {
            throw RootcellarError(.policy, "this machine's architecture is not known", subject: name)
        }
        return [own.debianName(writtenAs: name)]
    }

    private static func read(_ path: FilePath) throws(RootcellarError) -> [UInt8] {
        do throws(Errno) { return try readFile(path, limit: 2 << 20) } catch {
            throw RootcellarError(.definition, "cannot read: \(error)", subject: path.string)
        }
    }
}
