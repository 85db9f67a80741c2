// SPDX-License-Identifier: Apache-2.0

package import Model

/// The command line of an LXC template: what lxc-create puts in front and behind, and what the user wrote in between.
///
/// The grammar is that of getopt_long with permutation, which every LXC template has had: `--option=value` and
/// `--option value`, unambiguous beginnings of long options, stray words ignored, the last occurrence wins.
package struct TemplateWords: Sendable, Equatable {
    package var distribution: String?
    package var release: String?
    package var architecture: String?
    package var variant: String?
    package var server = ServerWords()
    package var list = false
    package var json = false
    package var help = false
    package var flushCache = false
    package var forceCache = false
    package var verbose = false
    package var quiet = false
    /// Another build than the one that everybody gets.
    package var channel: String?
    package var asOf: String?
    /// A file of the user's own instead of an image of a server, and its metadata.
    package var local: String?
    package var metadata: String?
    /// The container's directory, as lxc-create gives it.
    package var path: String?
    package var name: String?
    package var rootfs: String?
    /// The ids, inside the namespace, of the user outside; nil when none is given or it is -1.
    package var mappedUID: UInt32?
    package var mappedGID: UInt32?
    /// What the user should be told about words that have lost their meaning.
    package var notices: [String] = []

    private enum Option: String, CaseIterable {
        case dist, release, arch, variant, server, list, help, json, keyid, keyring, keyserver, simplestreams, ca,
            verbose, quiet, channel
        case path, name, rootfs
        case local, metadata
        case asOf = "as-of"
        case flushCache = "flush-cache"
        case forceCache = "force-cache"
        case noValidate = "no-validate"
        case standardResolver = "standard-resolver"
        case mappedUID = "mapped-uid"
        case mappedGID = "mapped-gid"

        var takesValue: Bool {
            switch self {
            case .list, .help, .json, .verbose, .quiet, .flushCache, .forceCache, .noValidate, .simplestreams,
                .standardResolver:
                false
            default: true
            }
        }
    }

    /// Reads the words after the program's name.
    ///
    /// - Throws: `USAGE` for an option that is unknown, ambiguous or lacks its value.
    package init(_ words: [String]) throws(RootcellarError) {
        var rest = words[...]
        while let word = rest.popFirst() {
            if word == "--" { break }
            if word.hasPrefix("--") {
                try takeLong(String(word.dropFirst(2)), &rest)
            } else if word.hasPrefix("-"), word != "-" {
                try takeShort(word.dropFirst(), &rest)
            }
        }
    }

    private mutating func takeLong(_ word: String, _ rest: inout ArraySlice<String>) throws(RootcellarError) {
        let equals = word.firstIndex(of: "=")
        let name = String(word[..<(equals ?? word.endIndex)])
        let option = try Self.option(named: name)
        var value: String?
        if let equals { value = String(word[word.index(after: equals)...]) }
        guard option.takesValue || value == nil else {
            throw RootcellarError(.usage, "option '--\(option.rawValue)' takes no value")
        }
        if option.takesValue, value == nil { value = rest.popFirst() }
        try set(option, value)
    }

    private mutating func takeShort(
        _ cluster: Substring,
        _ rest: inout ArraySlice<String>
    ) throws(RootcellarError) {
        var letters = cluster
        while let letter = letters.popFirst() {
            let option: Option
            switch letter {
            case "d": option = .dist
            case "r": option = .release
            case "a": option = .arch
            case "l": option = .list
            case "h": option = .help
            default: throw RootcellarError(.usage, "unknown option '-\(letter)'", hint: "see --help")
            }
            if option.takesValue {
                try set(option, letters.isEmpty ? rest.popFirst() : String(letters))
                return
            }
            try set(option, nil)
        }
    }

    private static func option(named name: String) throws(RootcellarError) -> Option {
        if let exact = Option(rawValue: name) { return exact }
        var candidates = Option.allCases.filter { !name.isEmpty && $0.rawValue.hasPrefix(name) }
        // Beginnings that every template understands keep their meaning beside options of our own.
        let stock = candidates.filter { ![.local, .metadata, .asOf].contains($0) }
        if !stock.isEmpty { candidates = stock }
        if candidates.count == 1 { return candidates[0] }
        if candidates.count > 1 {
            let names = candidates.map { "--\($0.rawValue)" }.joined(separator: ", ")
            throw RootcellarError(.usage, "option '--\(name)' is ambiguous", hint: "it may mean \(names)")
        }
        let near = nearestName(to: name, among: Option.allCases.map(\.rawValue))
        throw RootcellarError(
            .usage,
            "unknown option '--\(name)'",
            hint: near.map { "did you mean '--\($0)'?" } ?? "see --help"
        )
    }

    private mutating func set(_ option: Option, _ value: String?) throws(RootcellarError) {
        if option.takesValue, value == nil {
            throw RootcellarError(.usage, "option '--\(option.rawValue)' needs a value")
        }
        switch option {
        case .dist: distribution = value
        case .release: release = value
        case .arch: architecture = value
        case .variant: variant = value
        case .server: server.address = value
        case .list: list = true
        case .help: help = true
        case .flushCache: flushCache = true
        case .forceCache: forceCache = true
        case .json: json = true
        case .noValidate: server.noValidate = true
        case .simplestreams: server.simplestreams = true
        case .ca: server.authorities = value
        case .verbose: verbose = true
        case .quiet: quiet = true
        case .channel: channel = value
        case .asOf: asOf = value
        case .keyid: server.keyID = value
        case .keyring: server.keyring = value
        case .keyserver:
            notices.append("--keyserver is ignored: keys are pinned here and no key server is ever asked")
        case .standardResolver: notices.append("--standard-resolver is ignored: it never had an effect")
        case .local: local = value
        case .metadata: metadata = value
        case .path: path = value
        case .name: name = value
        case .rootfs: rootfs = value
        case .mappedUID: mappedUID = try Self.id(option, value)
        case .mappedGID: mappedGID = try Self.id(option, value)
        }
    }

    private static func id(_ option: Option, _ value: String?) throws(RootcellarError) -> UInt32? {
        if value == "-1" { return nil }
        guard let value, let id = UInt32(value), id < UInt32.max else {
            throw RootcellarError(.usage, "option '--\(option.rawValue)' needs a number", subject: value ?? "")
        }
        return id
    }
}
