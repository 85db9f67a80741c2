// SPDX-License-Identifier: Apache-2.0

/// Where something was written: a place in a definition file, or an option of the command line.
package struct SourcePosition: Hashable, Sendable, CustomStringConvertible {
    /// The kinds of places.
    package enum Origin: Hashable, Sendable {
        /// A file, by the name the caller gave.
        case file(String)
        /// An override `-o key=value`, by its key.
        case override(String)
        /// Neither: a value that defaults put in.
        case `default`
    }

    /// The kind of place.
    package var origin: Origin
    /// Line, from 1; 0 where there is no line.
    package var line: Int
    /// Column in Unicode scalars, from 1; 0 where there is no line.
    package var column: Int

    /// A place in the file named `file`.
    package init(file: String, line: Int, column: Int) {
        origin = .file(file)
        self.line = line
        self.column = column
    }

    /// The override with key `key`.
    package init(override key: String) {
        origin = .override(key)
        line = 0
        column = 0
    }

    /// Of values that nobody wrote.
    package static let `default` = SourcePosition(origin: .default)

    private init(origin: Origin) {
        self.origin = origin
        line = 0
        column = 0
    }

    /// `file:line:column`, or `-o key`.
    package var description: String {
        switch origin {
        case .file(let name): "\(name):\(line):\(column)"
        case .override(let key): "-o \(key)"
        case .default: "default value"
        }
    }
}
