// SPDX-License-Identifier: Apache-2.0

import Archive
package import Model

/// How a tar is compressed, in the words of `--compression`: a method, and `-N` for its level.
package struct OutputCompression: Sendable, Hashable {
    /// The methods.
    package enum Method: String, Sendable, CaseIterable {
        case bzip2, gzip, lzip, lzma, lzop, xz, zstd
        /// Only the squashfs image is compressed by it.
        case lz4
        /// Nothing is compressed.
        case none
    }

    /// The method.
    package var method: Method
    /// The level, or nil for the method's own.
    package var level: Int?

    /// xz at its usual level.
    package static let standard = OutputCompression(method: .xz, level: nil)

    private init(method: Method, level: Int?) {
        self.method = method
        self.level = level
    }

    /// Reads `METHOD` or `METHOD-LEVEL`.
    ///
    /// - Throws: `USAGE` for a method that does not exist and a level that it does not have.
    package init(_ text: String) throws(RootcellarError) {
        var name = text
        var digits: Substring?
        if let dash = text.lastIndex(of: "-") {
            name = String(text[..<dash])
            digits = text[text.index(after: dash)...]
        }
        // Two names of the same program.
        if name == "lzo" { name = Method.lzop.rawValue }
        guard let method = Method(rawValue: name) else {
            throw RootcellarError(
                .usage,
                "not a compression: '\(text)'",
                subject: "--compression",
                hint: "one of \(Method.allCases.map(\.rawValue).joined(separator: ", ")), with -N for a level"
            )
        }
        self.method = method
        guard let digits else { return }
        guard let level = Int(digits), let levels = method.levels, levels.contains(level) else {
            let known = method.levels.map { "levels \($0.lowerBound) to \($0.upperBound)" } ?? "no levels"
            throw RootcellarError(.usage, "\(name) has \(known)", subject: "--compression \(text)")
        }
        self.level = level
    }

    /// What a tar's name ends with.
    package var suffix: String {
        switch method {
        case .bzip2: ".bz2"
        case .gzip: ".gz"
        case .lzip: ".lz"
        case .lzma: ".lzma"
        case .lzop: ".lzo"
        case .xz: ".xz"
        case .zstd: ".zst"
        case .lz4, .none: ""
        }
    }

    /// How the tar is made.
    ///
    /// - Throws: `POLICY` for a program that is not installed.
    func tarForm() throws(RootcellarError) -> RootfsPacker.Form {
        let flag = level.map { ["-\($0)"] } ?? []
        switch method {
        case .none, .lz4: return .tar
        case .xz: return .xz(level: level ?? 6)
        case .zstd: return .zstd(level: level ?? 3)
        // Without -n, the time of the run would be in it.
        case .gzip: return try filter("gzip", ["-n", "-c"] + flag)
        case .bzip2: return try filter("bzip2", ["-c"] + flag)
        case .lzip: return try filter("lzip", ["-c"] + flag)
        case .lzop: return try filter("lzop", ["-c"] + flag)
        case .lzma: return try filter("xz", ["--format=lzma", "-c"] + flag, package: "xz-utils")
        }
    }

    /// How the squashfs image is made.
    ///
    /// - Throws: `USAGE` for what squashfs does not have.
    func squashfsForm() throws(RootcellarError) -> RootfsPacker.Form {
        let compressor: String
        switch method {
        case .gzip, .lz4, .lzma, .xz, .zstd: compressor = method.rawValue
        case .lzop: compressor = "lzo"
        case .bzip2, .lzip, .none:
            throw RootcellarError(
                .usage,
                "a squashfs image cannot be compressed by \(method.rawValue)",
                subject: "--compression",
                hint: "one of gzip, lzo, lz4, xz, zstd, lzma; or --type unified"
            )
        }
        if level != nil, ![.gzip, .lzop, .zstd].contains(method) {
            throw RootcellarError(
                .usage,
                "\(method.rawValue) has no levels in a squashfs image",
                subject: "--compression",
                hint: "leave the level out, or take --type unified"
            )
        }
        return .squashfsBy(compressor: compressor, level: level)
    }

    private func filter(
        _ name: String,
        _ arguments: [String],
        package: String? = nil
    ) throws(RootcellarError) -> RootfsPacker.Form {
        .filter(program: try HostProgram.require(name, package: package ?? name), arguments: arguments)
    }
}

extension OutputCompression.Method {
    /// The levels that can be named.
    fileprivate var levels: ClosedRange<Int>? {
        switch self {
        case .zstd: 1...22
        case .bzip2, .gzip, .lzop: 1...9
        case .lzip, .lzma, .xz: 0...9
        case .lz4, .none: nil
        }
    }
}
