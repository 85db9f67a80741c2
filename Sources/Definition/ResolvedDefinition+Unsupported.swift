// SPDX-License-Identifier: Apache-2.0

extension ResolvedDefinition {
    /// What this definition asks for in `modes` and a builder with these abilities cannot do, one line each with its
    /// place. Items that filters leave out are not counted.
    ///
    /// - Parameters:
    ///   - downloaders: what the builder can start from.
    ///   - managers: what it can install with.
    ///   - generators: what it can write files with.
    ///   - customManagers: whether it runs the commands of `packages.custom_manager`.
    ///   - modes: what is going to be done.
    package func unsupportedFeatures(
        downloaders: Set<Downloader>,
        managers: Set<PackageManager>,
        generators: Set<Generator>,
        customManagers: Bool = false,
        modes: [BuildMode]
    ) -> [String] {
        var result: [String] = []
        let source = definition.source
        if !downloaders.contains(source.downloader) {
            result.append("\(source.downloaderPosition): downloader '\(source.downloader.rawValue)'")
        }
        let packages = definition.packages
        if let manager = packages.manager, !managers.contains(manager) {
            result.append("\(packages.managerPosition): package manager '\(manager.rawValue)'")
        }
        if let custom = packages.customManager, !customManagers {
            result.append("\(custom.position): packages.custom_manager")
        }
        var seen: Set<SourcePosition> = []
        for mode in modes {
            for item in applicable(definition.files, in: .files, mode: mode)
            where !generators.contains(item.generator) && seen.insert(item.position).inserted {
                result.append("\(item.position): generator '\(item.generator.rawValue)'")
            }
        }
        return result
    }
}
