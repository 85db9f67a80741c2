// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

extension Publisher {
    /// A place to make patches in; nil if there is nothing to make patches from, or no reason to: a build that will be
    /// refused is left to the publication, which first takes away what a killed one has left.
    func prepare(_ sources: [ImageSource]) throws(RootcellarError) -> Workbench? {
        try locked(roles: [.release, .freshness]) { tree throws(RootcellarError) in
            var isWorthIt = false
            for source in sources {
                guard (try? tree.refuse(source)) != nil else { return nil }
                if try !tree.goodBuilds(source.name).isEmpty { isWorthIt = true }
            }
            return isWorthIt ? try Workbench(layout) : nil
        }
    }

    /// The patches of each build. What is published meanwhile is no base any more, but does no harm either.
    func makeDeltas(
        _ sources: [ImageSource],
        _ workbench: Workbench
    ) throws(RootcellarError) -> [[String: Deltas.Addition]] {
        let bases = try locked(roles: []) { tree throws(RootcellarError) in
            var bases: [[Deltas.Base]] = []
            for source in sources {
                var found: [Deltas.Base] = []
                for build in try tree.goodBuilds(source.name).suffix(deltas).reversed() {
                    found.append(
                        Deltas.Base(
                            path: TreePath.build(source.name, build.serial),
                            directory: layout.path(TreePath.build(source.name, build.serial)),
                            document: try Streams.document(source.name, build, layout)
                        )
                    )
                }
                bases.append(found)
            }
            return bases
        }
        // Big files are here only for as long as they are needed.
        for base in bases.joined() { try remote?.takeBase(base.path, Deltas.wanted(of: base.document)) }
        defer { remote?.slim(bases.joined().map(\.path)) }
        var additions: [[String: Deltas.Addition]] = []
        for (number, source) in sources.enumerated() {
            let place = workbench.path.appending("\(number)")
            additions.append(try Deltas(source: source, bases: bases[number], place: place).make())
        }
        return additions
    }
}
