// SPDX-License-Identifier: Apache-2.0

/// What a user asks for: distribution, release, architecture and variant.
///
/// Each part becomes a path component and a part of a URL, so each is checked here and nowhere else: everything that
/// names an image goes through `init`.
package struct ImageName: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// The distribution in lower case, as in `debian`.
    package let distribution: String
    /// The release, as in `bookworm` or `3.21`.
    package let release: String
    /// The architecture by Debian's name, as in `amd64` or `arm64`.
    package let architecture: String
    /// The variant; `default` where there is nothing special.
    package let variant: String

    /// Checks the four parts.
    ///
    /// - Throws: `POLICY`, naming the part that is not `[a-z0-9][a-z0-9._+-]{0,63}` or contains `..`.
    package init(
        distribution: String,
        release: String,
        architecture: String,
        variant: String = "default"
    ) throws(RootcellarError) {
        self.distribution = try Self.part("distribution", distribution)
        self.release = try Self.part("release", release)
        self.architecture = try Self.part("architecture", architecture)
        self.variant = try Self.part("variant", variant)
    }

    /// Reads `distribution/release/architecture/variant`; the variant may be left out.
    package init(path: String) throws(RootcellarError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3 || parts.count == 4 else {
            throw RootcellarError(
                .policy,
                "not an image name",
                subject: path,
                hint: "write distribution/release/architecture[/variant]"
            )
        }
        try self.init(
            distribution: parts[0],
            release: parts[1],
            architecture: parts[2],
            variant: parts.count == 4 ? parts[3] : "default"
        )
    }

    /// `distribution/release/architecture/variant`, without a leading or trailing slash.
    package var path: String { "\(distribution)/\(release)/\(architecture)/\(variant)" }

    package var description: String { path }

    package static func < (left: ImageName, right: ImageName) -> Bool {
        (left.distribution, left.release, left.architecture, left.variant)
            < (right.distribution, right.release, right.architecture, right.variant)
    }

    /// Returns `value` if it can be one part of an image's name.
    package static func part(_ what: String, _ value: String) throws(RootcellarError) -> String {
        guard isName(value) else {
            throw RootcellarError(
                .policy,
                "not a name for \(what == "architecture" ? "an" : "a") \(what)",
                subject: "'\(value)'",
                hint: "use 1 to 64 of a-z 0-9 . _ + -, beginning with a letter or digit, without '..'"
            )
        }
        return value
    }

    /// Whether `value` is `[a-z0-9][a-z0-9._+-]{0,63}` and has no `..` in it.
    package static func isName(_ value: String) -> Bool {
        let bytes = Array(value.utf8)
        guard let first = bytes.first, bytes.count <= 64, isLowerOrDigit(first) else { return false }
        var previous: UInt8 = 0
        for byte in bytes {
            guard isLowerOrDigit(byte) || byte == 0x2E || byte == 0x5F || byte == 0x2B || byte == 0x2D else {
                return false
            }
            if byte == 0x2E, previous == 0x2E { return false }
            previous = byte
        }
        return true
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte)
    }
}
