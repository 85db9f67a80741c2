// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Client
import Model

/// `rootcellar explain`.
package struct ExplainCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say why an image is the one that would be used",
        discussion: "Which build and why, who signed it, how old it is, which checks ran, what expires when."
    )

    @OptionGroup private var image: ImageArgument
    @OptionGroup private var server: ServerOptions
    @Flag(help: "Print JSON.") private var json = false

    package init() {}

    package func run() throws {
        let name = try image.name()
        let context = try ClientContext()
        let explanation = try context.explain(name, try context.choose(server.words))
        if json { return try sayJSON(explanation) }
        say(Self.text(explanation, now: context.surroundings.now))
        for warning in explanation.warnings { tell("rootcellar: warning: \(warning)") }
    }

    private static func text(_ explanation: ImageExplanation, now: Timestamp) -> String {
        let age = explanation.age.map { ", \(duration($0)) old" } ?? ""
        let tested = explanation.tested.map { $0 ? ", tested" : ", not tested" } ?? ""
        var rows = [
            ["image", explanation.image],
            ["build", "\(explanation.serial)\(age)\(tested): \(explanation.reason)"],
            ["server", explanation.url + (explanation.server.map { " '\($0)'" } ?? "")],
            ["kind", explanation.kind],
        ]
        for signers in explanation.signers {
            let count = signers.fingerprints.count
            rows.append([
                "signed by",
                "\(signers.role): \(signers.fingerprints.joined(separator: ", "))"
                    + (count > 1 ? " (\(signers.threshold) of \(count))" : ""),
            ])
        }
        for check in explanation.checks { rows.append(["checked", check]) }
        for expiry in explanation.expires {
            let left = expiry.at.seconds - now.seconds
            rows.append([
                "expires",
                "\(expiry.what): \(expiry.at) (\(left > 0 ? "in \(duration(left))" : "\(duration(-left)) ago"))",
            ])
        }
        rows.append(["cache", explanation.isCached ? "the rootfs is in the cache" : "the rootfs is not in the cache"])
        return table(rows)
    }

    /// The two biggest units are enough for people.
    private static func duration(_ seconds: Int64) -> String {
        if seconds >= 2 * 86400 { return "\(seconds / 86400) days" }
        if seconds >= 2 * 3600 { return "\(seconds / 3600) hours" }
        return "\(seconds / 60) minutes"
    }
}

extension ClientContext {
    /// Asks the server and explains an image of it.
    func explain(_ name: ImageName, _ server: ChosenServer) throws(RootcellarError) -> ImageExplanation {
        switch server {
        case .pinned(let pinned):
            return try ImageExplanation(name, pinned, try ask(pinned), layout, now: surroundings.now)
        case .plain(let plain):
            let setting = ImageSetting(
                surroundings,
                layout: layout,
                server: plain,
                options: selection.transferOptions(for: plain),
                .quiet
            )
            return try ImageExplanation(name, setting)
        }
    }
}
