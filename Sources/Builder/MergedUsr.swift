// SPDX-License-Identifier: Apache-2.0

import Model

/// A root that is born with /bin, /sbin and /lib below /usr.
///
/// What debootstrap does for every suite that knows `usr-is-merged` (scripts/debian-common, EXCLUDE_DEPENDENCY). Left to
/// itself apt takes `usrmerge`, the program that merges an old system, and with it all of Perl.
struct MergedUsr {
    /// The package that says that nothing has to be merged; an archive that has it wants merged roots.
    static let package = "usr-is-merged"
    private static let preferences = "/etc/apt/preferences.d/merged-usr"

    private let root: RootfsDirectory
    private let links: [String]

    init(_ root: RootfsDirectory, architecture: String) {
        self.root = root
        // Where the dynamic linker of these has its own directory.
        let wide = ["amd64", "loong64", "mips64el", "ppc64", "ppc64el"].contains(architecture)
        links = ["bin", "sbin", "lib"] + (wide ? ["lib64"] : [])
    }

    /// Makes the links in an empty root and keeps apt from choosing the other package.
    func prepare() throws(RootcellarError) {
        for name in links {
            try root.makeDirectory("/usr/\(name)")
            try root.link("/\(name)", to: "usr/\(name)")
        }
        let text = "Package: usrmerge\nPin: release *\nPin-Priority: -1\n"
        try root.write(Self.preferences, Array(text.utf8), mode: 0o644)
    }

    /// Takes away what only the bootstrap needed.
    func tidy() throws(RootcellarError) { try root.remove(Self.preferences) }
}
