// SPDX-License-Identifier: Apache-2.0

import CLinux

/// What the command line of this program asks for.
///
/// Written without an argument parser, so that the program stays small and has one thread.
@safe struct SandboxCommand {
    static let usage = """
        usage: rootcellar-sandbox enter [--map-user IN:OUT:COUNT]... [--map-group IN:OUT:COUNT]... [--network]
                   -- PROGRAM [ARGUMENT]...
               rootcellar-sandbox run --root DIR [--32-bits] [--hostname NAME] [--resolver FILE]
                   [--bind SOURCE TARGET]... [--setenv NAME=VALUE]... [--lifeline] {--script FILE | -- PROGRAM [ARGUMENT]...}

        enter  runs a program in namespaces of its own, on the file system as it is; inside,
               ROOTCELLAR_NAMESPACE is the number of its mount namespace; with --network also without the
               machine's network
        run    runs a program or a script with DIR as root and nothing of the outside but what is named

        Status: the program's own, 128 and the signal's number, or 125 if the namespaces could not be made.

        """

    /// A command line that cannot be understood.
    struct Misuse: Error {
        var reason: String
    }

    /// The plan, null only if memory is short.
    let plan: OpaquePointer

    /// Reads the arguments after the program's name.
    init(_ arguments: [String]) throws(Misuse) {
        guard let plan = unsafe clinux_sandbox_new() else { throw Misuse(reason: "no memory") }
        unsafe self.plan = plan
        var rest = arguments[...]
        let verb = rest.popFirst() ?? ""
        switch verb {
        case "enter":
            try enter(&rest)
        case "run":
            try run(&rest)
        default:
            throw Misuse(reason: verb.isEmpty ? "no command" : "unknown command '\(verb)'")
        }
    }

    private func enter(_ rest: inout ArraySlice<String>) throws(Misuse) {
        unsafe clinux_sandbox_keep_environment(plan)
        while let option = rest.popFirst() {
            switch option {
            case "--map-user":
                let range = try Self.range(&rest)
                unsafe clinux_sandbox_map_users(plan, range.inside, range.outside, range.count)
            case "--map-group":
                let range = try Self.range(&rest)
                unsafe clinux_sandbox_map_groups(plan, range.inside, range.outside, range.count)
            case "--network": unsafe clinux_sandbox_set_network(plan)
            case "--":
                return try program(rest)
            default:
                throw Misuse(reason: "unknown option '\(option)'")
            }
        }
        throw Misuse(reason: "no program")
    }

    private func run(_ rest: inout ArraySlice<String>) throws(Misuse) {
        var hasRoot = false
        var hasScript = false
        while let option = rest.popFirst() {
            switch option {
            case "--root":
                unsafe clinux_sandbox_set_root(plan, try Self.value(option, &rest))
                hasRoot = true
            case "--32-bits": unsafe clinux_sandbox_set_32_bits(plan)
            case "--hostname": unsafe clinux_sandbox_set_hostname(plan, try Self.value(option, &rest))
            case "--resolver": unsafe clinux_sandbox_set_resolver(plan, try Self.value(option, &rest))
            case "--bind":
                let source = try Self.value(option, &rest)
                unsafe clinux_sandbox_add_bind(plan, source, try Self.value(option, &rest))
            case "--setenv":
                let assignment = try Self.value(option, &rest)
                guard assignment.utf8.contains(0x3D) else { throw Misuse(reason: "not NAME=VALUE: '\(assignment)'") }
                unsafe clinux_sandbox_add_variable(plan, assignment)
            case "--lifeline": unsafe clinux_sandbox_set_lifeline(plan)
            case "--script":
                unsafe clinux_sandbox_set_script(plan, try Self.value(option, &rest))
                hasScript = true
            case "--":
                guard hasRoot, !hasScript else { throw Misuse(reason: "--root, and one of --script and a program") }
                return try program(rest)
            default:
                throw Misuse(reason: "unknown option '\(option)'")
            }
        }
        guard hasRoot, hasScript else { throw Misuse(reason: "--root, and one of --script and a program") }
    }

    private func program(_ arguments: ArraySlice<String>) throws(Misuse) {
        guard !arguments.isEmpty else { throw Misuse(reason: "no program") }
        for argument in arguments { unsafe clinux_sandbox_add_argument(plan, argument) }
    }

    private static func value(_ option: String, _ rest: inout ArraySlice<String>) throws(Misuse) -> String {
        guard let value = rest.popFirst() else { throw Misuse(reason: "'\(option)' needs a value") }
        return value
    }

    private static func range(
        _ rest: inout ArraySlice<String>
    ) throws(Misuse) -> (inside: UInt32, outside: UInt32, count: UInt32) {
        let text = try value("--map-…", &rest)
        let numbers = text.split(separator: ":", omittingEmptySubsequences: false).compactMap { UInt32($0) }
        guard numbers.count == 3 else { throw Misuse(reason: "not IN:OUT:COUNT: '\(text)'") }
        return (numbers[0], numbers[1], numbers[2])
    }
}
