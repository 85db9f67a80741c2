// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import SystemPackage

/// Runs a package manager inside the image by its rules.
final class CommandManager: PackageManaging {
    private let rules: ManagerRules
    private let context: BuildContext
    private let rootfs: RootfsDirectory
    var environment: [String: String]
    /// Of the flags that not every version has, those that this one lacks.
    private var missingFlags: Set<String> = []

    init(
        _ rules: ManagerRules,
        context: BuildContext,
        rootfs: RootfsDirectory,
        environment: [String: String] = [:]
    ) {
        self.rules = rules
        self.context = context
        self.rootfs = rootfs
        self.environment = environment
    }

    func prepare() throws(RootcellarError) {
        switch rules.preparation {
        case .none: break
        case .pacman:
            try PacmanSetup(rootfs: rootfs, mirror: context.options.mirror, log: context.log).writeMirrors()
            guard !rootfs.exists("/etc/pacman.d/gnupg") else { return }
            try run(["pacman-key", "--init"], .build)
            try run(["pacman-key", "--populate"], .build)
        case .probing(let command):
            let help = try context.sandbox.capture(command, environment: environment) ?? []
            let text = String(decoding: help, as: UTF8.self)
            missingFlags = rules.optionalFlags.filter { !text.contains($0) }
        }
    }

    func addRepositories(_ items: [RepositoryItem]) throws(RootcellarError) {
        guard !items.isEmpty else { return }
        switch rules.repositories {
        case .none:
            for item in items {
                context.log.note("warning: \(item.position): this package manager takes no repositories; ignored")
            }
        case .file(let directory, let suffix, let before):
            for item in items {
                if let before { try run(before, .build) }
                let name = try fileName(item)
                let path = "\(directory)/\(name)\(name.hasSuffix(suffix) ? "" : suffix)"
                try rootfs.write(path, Array(Self.line(item.url.text).utf8), mode: 0o644)
            }
        case .line(let file, let keys):
            for item in items {
                guard let text = try rootfs.read(file) else {
                    throw RootcellarError(.build, "the image has no \(file)", subject: "\(item.position)")
                }
                let start = String(decoding: text, as: UTF8.self)
                let joined = start.isEmpty || start.hasSuffix("\n") ? start : start + "\n"
                try rootfs.write(file, Array((joined + Self.line(item.url.text)).utf8))
                guard !item.key.isEmpty else { continue }
                try rootfs.write("\(keys)/\(try fileName(item))", Array(Self.line(item.key.text).utf8), mode: 0o644)
            }
        case .commands(let commands):
            for item in items {
                guard let command = commands[item.type] else {
                    throw RootcellarError(
                        .definition,
                        "no kind of repository: '\(item.type)'",
                        subject: "\(item.position)",
                        hint: "one of \(commands.keys.filter { !$0.isEmpty }.sorted().joined(separator: ", "))"
                    )
                }
                let words = command.map { $0 == "URL" ? item.url.text : $0 == "NAME" ? item.name : $0 }
                try run(words.filter { !$0.isEmpty }, .source)
            }
        }
    }

    func refresh() throws(RootcellarError) { try run(rules.refresh, "refresh", .source) }

    func update() throws(RootcellarError) { try run(rules.update, "upgrade", .build) }

    func clean() throws(RootcellarError) {
        try run(rules.clean, "clean", .build)
        for directory in rules.emptied { try rootfs.empty(directory) }
    }

    func apply(_ set: PackageSet) throws(RootcellarError) {
        guard !set.packages.isEmpty else { return }
        guard let command = set.action == .install ? rules.install : rules.remove else {
            let note = rules.notes[set.action.rawValue] ?? "this package manager cannot \(set.action.rawValue)"
            return context.log.note("warning: \(set.position): \(note): \(set.packages.joined(separator: " "))")
        }
        try run(withCommon(command) + set.flags + set.packages, .build)
    }

    private func fileName(_ item: RepositoryItem) throws(RootcellarError) -> String {
        guard !item.name.isEmpty, !item.name.utf8.contains(0x2F), item.name != ".", item.name != ".." else {
            throw RootcellarError(
                .definition,
                "not the name of a repository's file: '\(item.name)'",
                subject: "\(item.position)"
            )
        }
        return item.name
    }

    private static func line(_ text: String) -> String { text.hasSuffix("\n") ? text : text + "\n" }

    /// The program, what it gets always, and the rest. Helpers of another name than the manager's get nothing.
    private func withCommon(_ command: ManagerRules.Command) -> [String] {
        guard let program = command.first else { return [] }
        let isHelper = ["mkdir", "rm"].contains(program)
        return ([program] + (isHelper ? [] : rules.common) + command.dropFirst()).filter { !missingFlags.contains($0) }
    }

    private func run(
        _ commands: [ManagerRules.Command],
        _ step: String,
        _ errorClass: ErrorClass
    ) throws(RootcellarError) {
        if commands.isEmpty, let note = rules.notes[step] { context.log.note(note) }
        for command in commands { try run(withCommon(command), errorClass) }
    }

    private func run(_ command: [String], _ errorClass: ErrorClass) throws(RootcellarError) {
        context.log.note(command.joined(separator: " "))
        let position = context.log.position()
        let status = try context.sandbox.run(command, environment: environment)
        guard status == 0 else {
            let lines = context.log.tail(since: position).suffix(8)
            throw RootcellarError(
                errorClass,
                "'\(command.prefix(3).joined(separator: " "))' ended with status \(status): "
                    + lines.joined(separator: " | "),
                subject: command.dropFirst(3).joined(separator: " "),
                hint: "the log is \(context.keptLog.string)"
            )
        }
    }
}
