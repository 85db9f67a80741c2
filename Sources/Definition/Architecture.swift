// SPDX-License-Identifier: Apache-2.0

/// An architecture by the name that Incus and the kernel give it, with the other names in use for it.
package enum Architecture: String, Sendable, Hashable, CaseIterable {
    case i686
    // swift-format-ignore: AlwaysUseLowerCamelCase
    case x86_64
    case armv6l
    case armv7l
    case armv8l
    case aarch64
    case ppc
    case ppc64
    case ppc64le
    case s390x
    case mips
    case mips64
    case riscv32
    case riscv64
    case loongarch64

    /// The architecture called `name` in any of the accepted ways; nil if there is none.
    package init?(name: String) {
        guard let match = Self.allCases.first(where: { $0.rawValue == name || $0.otherNames.contains(name) }) else {
            return nil
        }
        self = match
    }

    /// Every name that is understood.
    package static var knownNames: [String] { allCases.flatMap { [$0.rawValue] + $0.otherNames } }

    private var otherNames: [String] {
        switch self {
        case .i686: ["i386", "i586", "386", "x86", "generic_32"]
        case .x86_64: ["amd64", "generic_64", "x86_64_v1", "x86_64_v2", "x86_64_v3", "x86_64_v4"]
        case .armv6l: ["armel", "arm"]
        case .armv7l: ["armhf", "armhfp", "armv7", "armv7a_hardfp", "armv7a_vfpv3_hardfp"]
        case .armv8l, .s390x, .riscv32, .riscv64: []
        case .aarch64: ["arm64", "arm64_generic"]
        case .ppc: ["powerpc"]
        case .ppc64: ["powerpc64"]
        case .ppc64le: ["ppc64el"]
        case .mips: ["mipsel", "mipsle"]
        case .mips64: ["mips64el", "mips64le"]
        case .loongarch64: ["loong64"]
        }
    }

    /// The value of `personality` and of `lxc.arch` that runs its programs: `linux32` or `linux64`.
    package var personality: String {
        switch self {
        case .i686, .armv6l, .armv7l, .armv8l, .ppc, .mips, .riscv32: "linux32"
        case .x86_64, .aarch64, .ppc64, .ppc64le, .s390x, .mips64, .riscv64, .loongarch64: "linux64"
        }
    }

    /// Debian's name, by which images are published. For the mips family the byte order is in `name`, as it was written.
    package func debianName(writtenAs name: String) -> String {
        switch self {
        case .i686: "i386"
        case .x86_64: "amd64"
        case .armv6l: "armel"
        case .armv7l, .armv8l: "armhf"
        case .aarch64: "arm64"
        case .ppc: "powerpc"
        case .ppc64: "ppc64"
        case .ppc64le: "ppc64el"
        case .s390x: "s390x"
        case .mips: name == "mips" ? "mips" : "mipsel"
        case .mips64: name == "mips64" ? "mips64" : "mips64el"
        case .riscv32: "riscv32"
        case .riscv64: "riscv64"
        case .loongarch64: "loong64"
        }
    }
}
