// SPDX-License-Identifier: Apache-2.0

package import Model

/// A definition for one image: overridden, completed by defaults, checked, its names known. What a builder works from.
package struct ResolvedDefinition: Hashable, Sendable {
    /// The definition after overrides and defaults. Its `source.url` and `source.keys` are rendered, and so are
    /// `image.name` and `image.description`.
    package let definition: ImageDefinition
    /// `image.architecture_mapped`: what filters and URLs see.
    package let mappedArchitecture: String
    /// `image.architecture_kernel`.
    package let architecture: Architecture
    /// When the definition was read; the default serial and the expiry date count from here.
    package let now: Timestamp
    /// How long the image is good for, in seconds.
    package let expirySeconds: Int64

    /// `image.serial` as given, or `YYYYMMDD_HH:MM` of `now`.
    package var serial: String { definition.image.serial }
    /// The name for people, on one line as a rule.
    package var description: String { definition.image.description.text }
    /// `image.name`, the property of an Incus image and its tarball's name.
    package var name: String { definition.image.name.text }
    /// `image.architecture_personality`: `linux32` or `linux64`.
    package var personality: String { architecture.personality }

    /// Debian's name of the architecture, by which images are published.
    package var debianArchitecture: String {
        architecture.debianName(writtenAs: definition.image.architecture.text)
    }

    /// The image by its published name. Names are lower-cased: `9-Stream` is published as `9-stream`.
    ///
    /// - Throws: `DEFINITION` if a part cannot be one of a published name, for instance without a release.
    package func imageName() throws(RootcellarError) -> ImageName {
        let image = definition.image
        do throws(RootcellarError) {
            return try ImageName(
                distribution: image.distribution.lowercased(),
                release: image.release.lowercased(),
                architecture: debianArchitecture,
                variant: image.variant.lowercased()
            )
        } catch {
            throw RootcellarError(
                .definition,
                "\(error.reason): \(error.subject)",
                subject: "\(image.position)",
                hint: image.release.isEmpty ? "name the release with -o image.release=NAME" : error.hint
            )
        }
    }

    /// The build's name in a published tree. Also takes distrobuilder's form without a colon, `YYYYMMDD_HHMM`.
    ///
    /// - Throws: `DEFINITION` for any other text.
    package func publishedSerial() throws(RootcellarError) -> Serial {
        var text = serial
        if text.utf8.count == 13, text.utf8.dropFirst(8).first == UInt8(ascii: "_") {
            text.insert(":", at: text.index(text.endIndex, offsetBy: -2))
        }
        do throws(RootcellarError) { return try Serial(text) } catch {
            throw RootcellarError(
                .definition,
                "not a serial that can be published: '\(serial)'",
                subject: "\(definition.image.position)",
                hint: error.hint
            )
        }
    }

    /// The packages of the early sets, for the bootstrap itself; nothing if the downloader takes none.
    package func earlySets() -> [PackageSet] {
        guard definition.source.downloader.takesEarlyPackages else { return [] }
        return applicable(definition.packages.sets, in: .early, mode: .directory).filter(\.early)
    }

    /// The package sets to install and remove after the bootstrap, in order; neighbours with the same action and flags
    /// are one. Sets that `earlySets` names are left out, as they are installed by then.
    package func packageSets(_ mode: BuildMode) -> [PackageSet] {
        let early = Set(earlySets().map(\.position))
        var merged: [PackageSet] = []
        for set in applicable(definition.packages.sets, in: .steps, mode: mode)
        where !(set.early && early.contains(set.position)) {
            if let last = merged.last, last.action == set.action, last.flags == set.flags {
                merged[merged.count - 1].packages += set.packages
            } else {
                merged.append(set)
            }
        }
        return merged.filter { !$0.packages.isEmpty }
    }

    /// The repositories to add, in order, rendered.
    ///
    /// - Throws: `DEFINITION` for a template that cannot be rendered.
    package func repositories(_ mode: BuildMode) throws(RootcellarError) -> [RepositoryItem] {
        let context = templateContext(for: mode.target)
        var result: [RepositoryItem] = []
        for var item in applicable(definition.packages.repositories, in: .steps, mode: mode) {
            item.url = try Template.render(item.url, context)
            item.key = try Template.render(item.key, context)
            result.append(item)
        }
        return result
    }

    /// The scripts to run at `trigger`, in order, rendered if they ask for it.
    ///
    /// - Throws: `DEFINITION` for a template that cannot be rendered.
    package func actions(_ trigger: ActionTrigger, _ mode: BuildMode) throws(RootcellarError) -> [ActionItem] {
        let context = templateContext(for: mode.target)
        var result: [ActionItem] = []
        for var item in applicable(definition.actions, in: trigger.place, mode: mode) where item.trigger == trigger {
            if item.pongo { item.action = try Template.render(item.action, context) }
            result.append(item)
        }
        return result
    }

    /// The generators to run, in order, rendered if they ask for it.
    ///
    /// - Throws: `DEFINITION` for a template that cannot be rendered.
    package func files(_ mode: BuildMode) throws(RootcellarError) -> [FileItem] {
        let context = templateContext(for: mode.target)
        var result: [FileItem] = []
        for var item in applicable(definition.files, in: .files, mode: mode) {
            if item.pongo {
                item.path = try Template.render(item.path, context)
                item.content = try Template.render(item.content, context)
                item.source = try Template.render(item.source, context)
            }
            result.append(item)
        }
        return result
    }

    /// The definition's variables for scripts, in order; of equal names the last one counts.
    package func environment(_ mode: BuildMode) -> [EnvironmentVariable] {
        applicable(definition.environment.variables, in: .environment, mode: mode)
    }

    /// The components of the archive, rendered: for rpmbootstrap they are templates of package names, for all others
    /// they are taken as written.
    ///
    /// - Throws: `DEFINITION` for a template that cannot be rendered.
    package func components() throws(RootcellarError) -> [String] {
        guard definition.source.downloader == .rpmbootstrap else { return definition.source.components.map(\.text) }
        let context = templateContext(for: .container)
        var result: [String] = []
        for item in definition.source.components { result.append(try Template.render(item, context).text) }
        return result
    }

    /// What `lxc-create` prints, rendered.
    ///
    /// - Throws: `DEFINITION` for a template that cannot be rendered.
    package func createMessage() throws(RootcellarError) -> String {
        try Template.render(definition.targets.lxc.createMessage, templateContext(for: .container)).text
    }

    /// Renders a text of the definition, as for an alias given on the command line.
    ///
    /// - Throws: `DEFINITION` for a template that cannot be rendered.
    package func render(_ text: SourceText, for target: TargetType = .container) throws(RootcellarError) -> String {
        try Template.render(text, templateContext(for: target)).text
    }

    /// The items of `list` that filters choose at `place` in `mode`.
    package func applicable<Item: FilteredItem>(
        _ list: [Item],
        in place: ItemPlace,
        mode: BuildMode
    ) -> [Item] {
        let context = FilterContext(
            release: definition.image.release,
            architecture: mappedArchitecture,
            variant: definition.image.variant,
            target: mode.target,
            accepted: mode.accepted(in: place)
        )
        return list.filter { $0.filter.applies(to: context) }
    }

    /// What templates of this definition can look up.
    func templateContext(for target: TargetType) -> TemplateValue {
        .definition(
            definition,
            mappedArchitecture: mappedArchitecture,
            architecture: architecture,
            target: target
        )
    }
}
