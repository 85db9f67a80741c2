// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The steps that work inside the bootstrapped image.
struct InstalledImage {
    let context: BuildContext
    let rootfs: RootfsDirectory

    private static let policy = "/usr/sbin/policy-rc.d"

    /// Keeps packages from starting their services (invoke-rc.d(8)). Normalisation takes it away again.
    func forbidServices() throws(RootcellarError) {
        guard !rootfs.exists(Self.policy) else { return }
        try rootfs.write(Self.policy, Array("#!/bin/sh\nexit 101\n".utf8), mode: 0o755)
    }

    private func environment(_ epoch: Timestamp) -> [String: String] {
        ScriptEnvironment.variables(
            clearDefaults: context.definition.definition.environment.clearDefaults,
            variables: context.definition.environment(context.mode).map { ($0.key, $0.value) },
            epoch: epoch,
            proxy: context.options.proxy
        )
    }

    private func manager(_ epoch: Timestamp) -> AptManager {
        AptManager(context: context, rootfs: rootfs, environment: environment(epoch))
    }

    /// Adds the definition's repositories.
    func addRepositories(_ epoch: Timestamp) throws(RootcellarError) {
        let items = try context.definition.repositories(context.mode)
        guard !items.isEmpty else { return }
        try context.log.step("repositories") { () throws(RootcellarError) in
            try manager(epoch).addRepositories(items)
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
        try context.log.step("refresh") { () throws(RootcellarError) in try manager(epoch).refresh() }
        let epoch = try refreshed()
        let apt = manager(epoch)
        if packages.update {
            try context.log.step("upgrade") { () throws(RootcellarError) in try apt.update() }
            try runScripts(.postUpdate, epoch)
        }
        for set in sets {
            try context.log.step("\(set.action.rawValue) \(set.packages.count) packages") {
                () throws(RootcellarError) in try apt.apply(set)
            }
        }
        if packages.cleanup {
            try context.log.step("clean up") { () throws(RootcellarError) in try apt.clean() }
        }
    }
}
