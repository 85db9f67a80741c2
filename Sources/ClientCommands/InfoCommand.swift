// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import Client
import Model

/// `rootcellar info`.
package struct InfoCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "info",
        abstract: "Show what an image consists of",
        discussion: "The newest build of a pinned server: its files with sizes and hashes, its packages, its tests."
    )

    @OptionGroup private var image: ImageArgument
    @Option(help: "HOST[:PORT][/PREFIX] of a pinned server.") private var server: String?
    @Flag(help: "List the packages.") private var packages = false
    @Flag(help: "Print JSON, the packages included.") private var json = false

    package init() {}

    private func tests(_ document: ImageDocument, tested: Bool) -> String {
        guard let tests = document.tests, !tests.isEmpty else { return "none" }
        let outcomes = tests.sorted { $0.key < $1.key }.map { "\(printable($0.key)) \($0.value.rawValue)" }
        return "\(tested ? "passed" : "not passed") before it was published: \(outcomes.joined(separator: ", "))"
    }

    private struct Output: Encodable {
        var format = documentFormat
        var server: String
        var tested: Bool
        /// The build's own document, as it is signed.
        var image: ImageDocument
    }

    package func run() throws {
        let name = try image.name()
        let context = try ClientContext()
        let trusted = try context.ask(try context.selection.server(named: server))
        let catalogue = Catalogue(trusted)
        let build = try catalogue.current(name)
        let tested = try catalogue.images(of: name.distribution).first { $0.name == name }?.image.builds
            .first { $0.serial == build.serial }?.tested
        let document = build.document
        if json {
            return try sayJSON(Output(server: trusted.root.server, tested: tested ?? false, image: document))
        }
        say(
            table([
                ["image", "\(name) \(document.serial)"],
                ["summary", printable(document.summary)],
                ["made of", "\(document.packages.count) packages of \(document.created)"],
                ["tests", tests(document, tested: tested ?? false)],
                [
                    "tar",
                    "\(document.tar.entries) members, \(document.tar.unpackedBytes) bytes of files, SHA-256 \(document.tar.sha256)",
                ],
            ])
        )
        say("")
        say(
            table(
                [["FILE", "BYTES", "SHA-256"]]
                    + document.files.sorted { $0.key < $1.key }
                    .map { [printable($0.key), String($0.value.size), $0.value.sha256.description] }
            )
        )
        for taint in document.taints { tell("rootcellar: warning: \(taint)") }
        guard packages else { return }
        say("")
        say(
            table(
                [["PACKAGE", "VERSION", "ARCH"]]
                    + document.packages.map { [printable($0.name), printable($0.version), printable($0.architecture)] }
            )
        )
    }
}
