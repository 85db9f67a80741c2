// SPDX-License-Identifier: Apache-2.0

/// The flags of distrobuilder's verbs as its users may write them: `--cleanup=false` for a flag that is on by default,
/// `--debug=true` for one that is off, and for `pack-incus` an `--import-into-incus` without an alias.
package enum BooleanWords {
    private static let verbs: Set = [
        "build-dir", "build-lxc", "build-incus", "build-lxd", "pack-lxc", "pack-incus", "pack-lxd", "validate",
    ]
    /// Flags, and whether they have a form that says no.
    private static let flags = [
        "cleanup": true, "keep-sources": true, "debug": false, "disable-overlay": false, "with-post-files": false,
        "vm": false,
    ]
    /// What Go's strconv.ParseBool takes, by which distrobuilder reads them.
    private static let values = [
        "1": true, "t": true, "T": true, "TRUE": true, "true": true, "True": true, "0": false, "f": false, "F": false,
        "FALSE": false, "false": false, "False": false,
    ]

    /// The arguments without the program's name, in the form that the parser knows.
    package static func rewritten(_ arguments: [String]) -> [String] {
        guard let verb = arguments.first, verbs.contains(verb) else { return arguments }
        let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
        return arguments[..<end].flatMap { word(verb, $0) } + arguments[end...]
    }

    private static func word(_ verb: String, _ word: String) -> [String] {
        if verb == "pack-incus" || verb == "pack-lxd",
            word == "--import-into-incus" || word == "--import-into-lxd"
        {
            return ["\(word)=\(IncusOptions.noAlias)"]
        }
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[0].hasPrefix("--"), let value = values[parts[1]],
            let hasNo = flags[String(parts[0].dropFirst(2))]
        else { return [word] }
        if value { return [parts[0]] }
        return hasNo ? ["--no-" + parts[0].dropFirst(2)] : []
    }
}
