// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// The downloader `plamolinux-http`: all packages of Plamo Linux's base but those for hardware.
struct PlamoSource: RootSource {
    let context: BuildContext

    private static let ignored: Set<String> = [
        "alsa_utils", "cpufreqd", "cpufrequtils", "gpm", "grub", "kernel", "kmod", "kmscon", "lilo", "linux_firmware",
        "linux_firmwares", "microcode_ctl", "ntp",
    ]

    func fill() throws(RootcellarError) -> OriginState {
        let image = context.definition.definition.image
        let major = image.release.hasSuffix(".x") ? String(image.release.dropLast(2)) : image.release
        guard let number = Int(major) else {
            throw RootcellarError(
                .definition,
                "Plamo's releases are called by a number and '.x': '\(image.release)'",
                subject: "\(image.position)"
            )
        }
        let top = "Plamo-\(major).x/\(context.rpmArchitecture)/plamo"
        let fetch = try SourceFetch(context)
        var found: [String] = []
        for series in ["00_base"] + (number < 7 ? ["01_minimum"] : []) {
            found += try packages(fetch, "\(top)/\(series)")
        }
        guard !found.isEmpty else {
            throw RootcellarError(.source, "there are no packages of a release", subject: fetch.url(top) + "/")
        }
        var installation = try SlackwareInstallation(
            context,
            SlackwareInstallation.Database(directory: "/var/log", hasFullNames: false, hasStartScripts: true)
        )
        for path in found { try installation.unpack(try fetch.package(path, top: top)) }
        try installation.runScripts()
        return fetch.state(installation.newest)
    }

    /// The packages in a directory. One that is called like a package holds several that belong together.
    private func packages(_ fetch: SourceFetch, _ directory: String) throws(RootcellarError) -> [String] {
        var result: [String] = []
        for name in try fetch.listing(directory).names.sorted(by: VersionOrder.isOlder) {
            if let package = SlackwarePackage(file: name) {
                if !Self.ignored.contains(String(package.full.prefix { $0 != "-" })) {
                    result.append("\(directory)/\(name)")
                }
            } else if let dot = name.lastIndex(of: "."), [".txz", ".tzst"].contains(String(name[dot...])),
                !Self.ignored.contains(String(name[..<dot]))
            {
                for inner in try fetch.listing("\(directory)/\(name)").names where SlackwarePackage(file: inner) != nil
                {
                    result.append("\(directory)/\(name)/\(inner)")
                }
            }
        }
        return result
    }
}
