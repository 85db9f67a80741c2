// SPDX-License-Identifier: Apache-2.0

import Definition

/// The manager that a definition describes itself, under `packages.custom_manager`.
extension ManagerRules {
    /// A verb without flags is not run, as everywhere these definitions are used: several rely on it, with commands that
    /// would fail if they were.
    static func custom(_ manager: CustomManager) -> ManagerRules {
        var rules = ManagerRules()
        func command(_ verb: CustomManager.Verb, _ step: String) -> Command? {
            guard !verb.flags.isEmpty else {
                rules.notes[step] = "custom_manager.\(step) has no flags and is therefore not run"
                return nil
            }
            return [verb.command] + manager.flags + verb.flags
        }
        rules.refresh = command(manager.refresh, "refresh").map { [$0] } ?? []
        rules.update = command(manager.update, "update").map { [$0] } ?? []
        rules.clean = command(manager.clean, "clean").map { [$0] } ?? []
        rules.install = command(manager.install, "install")
        rules.remove = command(manager.remove, "remove")
        if let note = rules.notes.removeValue(forKey: "update") { rules.notes["upgrade"] = note }
        return rules
    }
}
