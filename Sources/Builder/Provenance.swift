// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import SystemPackage

/// What a build was made from, as image.json lists it.
enum Provenance {
    /// Names and values; nothing in it depends on the machine or the moment but the versions of the tools.
    static func inputs(
        options: BuildOptions,
        releases: [ReleaseFile],
        epoch: Timestamp,
        origin: OriginState
    ) -> [String: String] {
        var inputs = origin.inputs
        inputs.merge([
            "definition.sha256": SHA256Digest(hashing: options.definitionText).description,
            "image.serial": options.definition.serial, "source_date_epoch": String(epoch.seconds),
            "tool.rootcellar": programVersion,
        ]) { $1 }
        for (number, override) in options.overrides.enumerated() { inputs["override.\(number + 1)"] = override }
        for release in releases {
            inputs["release.\(release.name).sha256"] = release.sha256.description
            inputs["release.\(release.name).date"] = release.date.description
        }
        return inputs.merging(tools()) { $1 }
    }

    /// The versions of the tools that decide about bytes.
    static func tools() -> [String: String] {
        var versions: [String: String] = [:]
        for (tool, arguments) in [("mmdebstrap", ["--version"]), ("mksquashfs", ["-version"])] {
            guard let path = HostProgram.find(tool),
                let answer = HostProgram.capture(path, arguments, environment: ["PATH": HostProgram.searchPath])
            else { continue }
            versions["tool.\(tool)"] = String(decoding: answer.prefix { $0 != 0x0A }, as: UTF8.self)
        }
        return versions
    }
}
