// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The steps that work inside the bootstrapped image.
final class InstalledImage {
    private let context: BuildContext
    private let rootfs: RootfsDirectory
    private var manager: any PackageManaging

    init(context: BuildContext, rootfs: RootfsDirectory) {
        self.context = context
        self.rootfs = rootfs
        let packages = context.definition.definition.packages
        if let custom = packages.customManager {
            manager = CommandManager(.custom(custom), context: context, rootfs: rootfs)
        } else if let rules = packages.manager.flatMap(ManagerRules.rules) {
            manager = CommandManager(rules, context: context, rootfs: rootfs)
        } else {
            manager = AptManager(context: context, rootfs: rootfs, environment: [:])
        }
    }

    private static let policy = "/usr/sbin/policy-rc.d"
    private static let refusal = Array("#!/bin/sh\nexit 101\n".utf8)

    /// Keeps packages from starting their services (invoke-rc.d(8)), unless the image does so itself. Normalisation takes
    /// it away again.
    ///
    /// - Returns: whether anything was done.
    func forbidServices() throws(RootcellarError) -> Bool {
        guard !rootfs.exists(Self.policy), rootfs.exists("/usr/sbin") else { return false }
        try rootfs.write(Self.policy, Self.refusal, mode: 0o755)
        return true
    }

    /// Takes back what `forbidServices` did.
    func allowServices() throws(RootcellarError) {
        if try rootfs.read(Self.policy) == Self.refusal { try rootfs.remove(Self.policy) }
    }

    private func environment(_ epoch: Timestamp) -> [String: String] {
        ScriptEnvironment.variables(
            clearDefaults: context.definition.definition.environment.clearDefaults,
            variables: context.definition.environment(context.mode).map { ($0.key, $0.value) },
            epoch: epoch,
            proxy: context.options.proxy
        )
    }

    /// Readies the package manager and adds the definition's repositories.
    func addRepositories(_ epoch: Timestamp) throws(RootcellarError) {
        manager.environment = environment(epoch)
        try manager.prepare()
        let items = try context.definition.repositories(context.mode)
        guard !items.isEmpty else { return }
        try context.log.step("repositories") { () throws(RootcellarError) in
            try manager.addRepositories(items)
        }
    }

    /// Runs the scripts of one trigger in their order.
    func runScripts(_ trigger: ActionTrigger, _ epoch: Timestamp) throws(RootcellarError) {
        let actions = try context.definition.actions(trigger, context.mode)
        guard !actions.isEmpty else { return }
        let runner = ScriptRunner(
            sandbox: context.sandbox,
            log: context.log,
            directory: context.directory.path,
            environment: environment(epoch)
        )
        try context.log.step("\(trigger.rawValue) (\(actions.count))") { () throws(RootcellarError) in
            for action in actions {
                try runner.run(action.action.text, trigger: trigger.rawValue, place: "\(action.position)")
            }
        }
    }

    /// Upgrades, installs and removes.
    ///
    /// - Parameters: refreshed: gives the build's epoch once the archives' newest state is known.
    func managePackages(
        _ epoch: Timestamp,
        refreshed: () throws(RootcellarError) -> Timestamp
    ) throws(RootcellarError) {
        let packages = context.definition.definition.packages
        let sets = context.definition.packageSets(context.mode)
        guard packages.update || !sets.isEmpty else { return }
        try context.log.step("refresh") { () throws(RootcellarError) in try manager.refresh() }
        let epoch = try refreshed()
        manager.environment = environment(epoch)
        if packages.update {
            try context.log.step("upgrade") { () throws(RootcellarError) in try manager.update() }
            try runScripts(.postUpdate, epoch)
        }
        for set in sets {
            try context.log.step("\(set.action.rawValue) \(set.packages.count) packages") {
                () throws(RootcellarError) in try manager.apply(set)
            }
        }
        if packages.cleanup {
            try context.log.step("clean up") { () throws(RootcellarError) in try manager.clean() }
        }
    }
}
