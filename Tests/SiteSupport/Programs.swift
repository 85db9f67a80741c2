// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import SystemPackage
package import TestSupport

/// The programs as they are installed: everything here goes through their command lines.
package enum Programs {
    /// `ROOTCELLAR_BIN`, else the release build of this package.
    package static let directory: FilePath = {
        if let given = ProcessInfo.processInfo.environment["ROOTCELLAR_BIN"] { return FilePath(given) }
        let package = FilePath(#filePath).removingLastComponent().removingLastComponent().removingLastComponent()
        return package.appending(".build/release")
    }()

    /// Runs `rootcellar`.
    package static func rootcellar(_ arguments: String...) async throws -> ProgramResult {
        try await runProgram(directory.appending("rootcellar").string, arguments)
    }

    /// Runs a script with `sh -eu`; its words are `$1` and so on.
    @discardableResult
    package static func shell(_ script: String, _ words: String...) async throws -> String {
        let result = try await runProgram("sh", ["-euc", script, "sh"] + words)
        guard result.status == 0 else { throw Unexpected(what: "a script failed: \(result.errors)") }
        return result.output
    }
}

/// Something that a test only needs did not work.
package struct Unexpected: Error, CustomStringConvertible {
    package var what: String
    package var description: String { what }

    /// An error that says what.
    package init(what: String) { self.what = what }
}

extension ProgramResult {
    /// The result itself, if it is a success.
    @discardableResult
    package func succeeded() throws -> ProgramResult {
        guard status == 0 else { throw Unexpected(what: "exit status \(status): \(errors)") }
        return self
    }

    /// The line that begins with `rootcellar: CLASS: `; nil if there is none or more than one.
    package var errorLine: String? {
        let lines = errors.split(separator: "\n").filter { !$0.hasPrefix("rootcellar: warning:") }
        return lines.count == 1 && lines[0].hasPrefix("rootcellar: ") ? String(lines[0]) : nil
    }
}

/// The bytes of a file.
package func read(_ path: FilePath) throws -> [UInt8] { Array(try Data(contentsOf: URL(filePath: path.string))) }

/// The text of a file.
package func text(_ path: FilePath) throws -> String { String(decoding: try read(path), as: UTF8.self) }

/// Puts a file in its place by rename, so that a reader sees the old one or the new one.
package func write(_ bytes: some Sequence<UInt8>, to path: FilePath) throws {
    try Data(bytes).write(to: URL(filePath: path.string), options: .atomic)
}

/// Makes a directory and its parents.
package func makeDirectory(_ path: FilePath) throws {
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
}

/// Whether something is there.
package func exists(_ path: FilePath) -> Bool { FileManager.default.fileExists(atPath: path.string) }

/// The names in a directory, sorted, those of directories with a slash behind them.
package func directoryNames(_ path: FilePath) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path.string).sorted().map { name in
        var isDirectory = false
        _ = FileManager.default.fileExists(atPath: path.appending(name).string, isDirectory: &isDirectory)
        return isDirectory ? "\(name)/" : name
    }
}
