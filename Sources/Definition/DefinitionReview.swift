// SPDX-License-Identifier: Apache-2.0

import Model

/// Looks for what is valid but probably not meant.
struct DefinitionReview {
    private let resolved: ResolvedDefinition
    private var warnings: [String] = []

    /// One line for each finding, `file:line:column: what`.
    static func warnings(for resolved: ResolvedDefinition) -> [String] {
        var review = DefinitionReview(resolved: resolved)
        review.reviewImage()
        review.reviewTargets()
        review.reviewFiles()
        review.reviewPackages()
        review.reviewActions()
        review.reviewFilters()
        return review.warnings
    }

    private init(resolved: ResolvedDefinition) { self.resolved = resolved }

    private mutating func warn(_ position: SourcePosition, _ text: String) { warnings.append("\(position): \(text)") }

    private mutating func reviewTemplate(_ text: SourceText) {
        do { try Template.check(text) } catch {
            warnings.append("\(error.subject): \(error.reason), which fails as soon as it is used")
        }
    }

    private mutating func reviewImage() {
        let image = resolved.definition.image
        if Expiry.seconds(image.expiry.text) == nil {
            warn(image.expiry.position, "expiry '\(image.expiry.text)' is not understood, \(Expiry.standard) is used")
        }
        let source = resolved.definition.source
        if source.skipVerification { warn(source.position, "the source is not verified") }
        if source.downloader == .sabayon {
            warn(source.downloaderPosition, "downloader 'sabayon-http' is a name that nothing implements")
        }
    }

    private mutating func reviewTargets() {
        let targets = resolved.definition.targets
        let types = ["all", "system", "user"]
        for item in targets.lxc.config {
            if !types.contains(item.type) {
                warn(
                    item.position,
                    "config type '\(item.type)' is ignored" + suffix(hint(for: item.type, among: types))
                )
            }
            reviewTemplate(item.content)
        }
        reviewTemplate(targets.lxc.createMessage)
        let filesystems = ["btrfs", "ext4"]
        if !filesystems.contains(targets.incus.vmFilesystem) {
            warn(
                targets.incus.vmFilesystemPosition,
                "no virtual machine can have file system '\(targets.incus.vmFilesystem)'"
                    + suffix(hint(for: targets.incus.vmFilesystem, among: filesystems))
            )
        }
    }

    private mutating func reviewFiles() {
        let moments = ["copy", "create", "rename", "start"]
        let cloudInit = ["meta-data", "network-config", "user-data", "vendor-data"]
        for item in resolved.definition.files {
            switch item.generator {
            case .cloudInit:
                if !cloudInit.contains(item.name) {
                    warn(
                        item.position,
                        "cloud-init has no file '\(item.name)'" + suffix(hint(for: item.name, among: cloudInit))
                    )
                }
            case .fstab, .incusAgent:
                if item.filter.types != [.vm] {
                    warn(
                        item.position,
                        "generator '\(item.generator.rawValue)' works for virtual machines only; add types: [vm]"
                    )
                }
            case .copy:
                if item.source.isEmpty { warn(item.position, "generator 'copy' without a source") }
            case .dump, .hostname, .hosts, .remove, .template:
                if item.path.isEmpty {
                    warn(item.position, "generator '\(item.generator.rawValue)' without a path")
                }
            }
            for moment in item.when where !moments.contains(moment) {
                warn(item.position, "template.when has no '\(moment)'" + suffix(hint(for: moment, among: moments)))
            }
            if !item.mode.isEmpty, !isMode(item.mode) {
                warn(item.position, "mode '\(item.mode)' is not one to four octal digits")
            }
            for (key, value) in [("uid", item.uid), ("gid", item.gid)] where !value.isEmpty && UInt32(value) == nil {
                warn(item.position, "\(key) '\(value)' is not a number")
            }
            if item.pongo { for text in [item.path, item.content, item.source] { reviewTemplate(text) } }
        }
    }

    private mutating func reviewPackages() {
        let packages = resolved.definition.packages
        let downloader = resolved.definition.source.downloader
        for set in packages.sets {
            if set.packages.allSatisfy({ trimmed($0).isEmpty }) { warn(set.position, "the set has no packages") }
            if set.early, !downloader.takesEarlyPackages {
                warn(set.position, "early means nothing with downloader '\(downloader.rawValue)'")
            }
        }
        for item in packages.repositories {
            if item.name.isEmpty { warn(item.position, "the repository has no name") }
            reviewTemplate(item.url)
            reviewTemplate(item.key)
        }
        guard let custom = packages.customManager else { return }
        let verbs = [
            ("clean", custom.clean), ("install", custom.install), ("remove", custom.remove),
            ("refresh", custom.refresh), ("update", custom.update),
        ]
        for (name, verb) in verbs where verb.flags.isEmpty {
            warn(custom.position, "custom command '\(name)' has no flags; distrobuilder never runs such a command")
        }
        if let first = packages.repositories.first {
            warn(first.position, "repositories mean nothing to a custom manager")
        }
    }

    private mutating func reviewActions() {
        for item in resolved.definition.actions {
            if !item.action.text.hasPrefix("#!") {
                warn(item.position, "the script does not begin with '#!', it cannot run")
            }
            if item.pongo { reviewTemplate(item.action) }
        }
        for variable in resolved.definition.environment.variables where variable.key.isEmpty {
            warn(variable.position, "the variable has no key")
        }
    }

    /// Architectures are compared with the distribution's own name, so only such names can ever match.
    private mutating func reviewFilters() {
        let definition = resolved.definition
        let map = definition.mappings.architectureMap
        var names = Set(Architecture.knownNames)
        if let map { names.formUnion(Architecture.knownNames.compactMap { map.mapped($0) }) }
        names.formUnion(definition.mappings.architectures.values)
        var items: [any FilteredItem] = definition.targets.lxc.config
        items += definition.files as [any FilteredItem]
        items += definition.packages.sets as [any FilteredItem]
        items += definition.packages.repositories as [any FilteredItem]
        items += definition.actions as [any FilteredItem]
        items += definition.environment.variables as [any FilteredItem]
        items += definition.simplestream.requirements as [any FilteredItem]
        let sorted = names.sorted()
        for item in items {
            for name in item.filter.architectures where !names.contains(name) {
                warn(
                    item.position,
                    "no architecture is called '\(name)', the filter never matches"
                        + suffix(hint(for: name, among: sorted))
                )
            }
        }
    }

    private func suffix(_ hint: String?) -> String { hint.map { "; \($0)" } ?? "" }

    private func isMode(_ text: String) -> Bool {
        (1...4).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x37).contains($0) }
    }
}
