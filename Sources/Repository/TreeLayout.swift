// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

/// The parts of a tree that only its publisher uses, beside what `TreePath` names for everybody.
struct TreeLayout: Sendable {
    /// The top directory.
    let top: FilePath

    /// What servers do not show: the lock, the journal and work in progress.
    static let hidden = ".rootcellar"

    var lock: FilePath { top.appending(Self.hidden).appending("lock") }
    var journal: FilePath { top.appending(Self.hidden).appending("journal") }
    /// Where one publisher at a time prepares what it will rename into place.
    var staging: FilePath { top.appending(Self.hidden).appending("tmp") }

    /// A path of `TreePath`.
    func path(_ relative: String) -> FilePath { top.appending(relative) }

    /// The directory of the indexes for stock clients, made from one manifest; `meta/1.0` links to the one in force.
    static func legacyDirectory(_ manifest: Int) -> String { ".1.0-\(manifest)" }

    /// The manifest version of such a directory's name.
    static func legacyVersion(_ name: String) -> Int? {
        let prefix = ".1.0-"
        guard name.hasPrefix(prefix), let version = Int(name.dropFirst(prefix.count)), version >= 1,
            legacyDirectory(version) == name
        else { return nil }
        return version
    }

    /// The number in `<number>.signed` or another ending.
    static func number(_ name: String, ending: String) -> Int? {
        guard name.hasSuffix(ending), let number = Int(name.dropLast(ending.count)), number >= 1,
            "\(number)\(ending)" == name
        else { return nil }
        return number
    }
}
