// SPDX-License-Identifier: Apache-2.0

package import Model

/// The part of a container's configuration that an image may decide: which of LXC's own snippets apply, and the
/// architecture. Every other key could run programs or reach files of the host, so none is taken from an image.
package struct ImageConfiguration: Sendable, Equatable {
    /// File names below LXC's configuration directory, in order.
    package var includes: [String] = []
    /// The value of `lxc.arch`.
    package var architecture: String?

    private static let directoryToken = "LXC_TEMPLATE_CONFIG/"
    private static let architectures: Set<String> = [
        "linux32", "linux64", "i386", "i486", "i586", "i686", "x86", "x86_64", "amd64", "arm", "armel", "armhf",
        "armv6l",
        "armv7l", "armv8l", "arm64", "aarch64", "ppc", "powerpc", "powerpc64", "ppc64", "ppc64le", "ppc64el", "s390x",
        "mips", "mipsel", "mips64", "mips64el", "riscv32", "riscv64", "loongarch64",
    ]

    /// Reads the configuration of an image.
    ///
    /// - Throws: `META` for any line that is not blank, a comment, `lxc.arch = <known>` or
    ///   `lxc.include = LXC_TEMPLATE_CONFIG/<file>`.
    package init(_ bytes: [UInt8]) throws(RootcellarError) {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RootcellarError(.meta, "the image's configuration is not UTF-8", subject: "config")
        }
        var number = 0
        for line in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false) {
            number += 1
            guard line.count <= 4096, number <= 256, let line = String(line) else {
                throw Self.refuse("a line that is too long", number)
            }
            guard !line.unicodeScalars.contains(where: isUnprintable) else {
                throw Self.refuse("a control character", number)
            }
            if line.isEmpty || line.hasPrefix("#") { continue }
            guard let equals = line.firstIndex(of: "=") else { throw Self.refuse("no setting", number) }
            let value = trimmed(line[line.index(after: equals)...])
            switch trimmed(line[..<equals]) {
            case "lxc.arch":
                guard Self.architectures.contains(value), architecture == nil else {
                    throw Self.refuse("an unknown or second architecture '\(value)'", number)
                }
                architecture = value
            case "lxc.include":
                let name = String(value.dropFirst(Self.directoryToken.count))
                guard value.hasPrefix(Self.directoryToken), ImageName.isName(name), name.hasSuffix(".conf") else {
                    throw Self.refuse("an include outside LXC's own configuration '\(value)'", number)
                }
                includes.append(name)
            case let key: throw Self.refuse("'\(key)', which images may not set", number)
            }
        }
    }

    private static func refuse(_ what: String, _ line: Int) -> RootcellarError {
        RootcellarError(.meta, "the image's configuration has \(what)", subject: "config:\(line)")
    }
}
