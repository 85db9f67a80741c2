// SPDX-License-Identifier: Apache-2.0

package import ArgumentParser
import ClientCommands
import Model
import Repository
import SystemPackage

/// `rootcellar repo`: a published tree.
package struct RepoCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "repo",
        abstract: "Make, check and change a published tree",
        subcommands: [
            Init.self, Check.self, Refresh.self, Revoke.self, Mirrors.self, Prune.self, Promote.self, Mirror.self,
            Export.self, Import.self,
        ]
    )

    package init() {}

    /// `repo init`.
    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "init",
            abstract: "Begin a signed tree without images",
            discussion: """
                Where the root keys are on other machines, --draft writes the first root document for their holders to \
                sign, and --root begins the tree with it.
                """
        )

        @Option(help: "A new or empty directory, or s3://BUCKET[/PREFIX].") private var repo: String
        @OptionGroup private var place: StoreOptions
        @OptionGroup private var keys: KeyOptions
        @Option(help: "The server's name for itself; clients keep their state by it.") private var id: String
        @OptionGroup private var draft: DraftOption
        @Option(help: "The signed draft; several copies that different people have signed are several options.")
        private var root: [String] = []

        func run() throws {
            let store = try keys.open()
            if let path = draft.draft {
                return try writeDraft(TreeInitialiser.draft(keys: store, id: id, now: currentTime()), to: path)
            }
            let signed = try root.isEmpty ? nil : readDrafts(root)
            let remote = try place.remote(repo)
            try TreeInitialiser.initialise(
                tree: remote?.workingCopy ?? FilePath(repo),
                keys: store,
                id: id,
                now: currentTime(),
                draft: signed,
                remote: remote
            )
            tell("rootcellar: '\(id)' is ready in \(repo)")
        }
    }

    /// `repo check`.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check",
            abstract: "Verify a tree from the pinned root key down to the last byte",
            discussion: """
                With --state, what an earlier check has read and what has not changed since is not read again. With \
                --sample, only some builds are read. Documents, signatures over them and the sizes of all files are \
                checked in any case.
                """
        )

        @Option(help: "The tree: a directory, or s3://BUCKET[/PREFIX].") private var repo: String
        @OptionGroup private var store: StoreOptions
        @Option(help: "The fingerprint of the root key.") private var fingerprint: String
        @Option(help: "Read only this many builds, chosen by chance.") private var sample: Int?
        @Option(help: "A file outside of the tree that remembers what was read.") private var state: String?
        @Flag(help: "Print JSON.") private var json = false

        func validate() throws {
            guard sample ?? 0 >= 0 else { throw ValidationError("a sample is a number of builds") }
        }

        func run() throws {
            let report = try report()
            if json { return try sayJSON(report) }
            say(
                "'\(report.server)': manifest \(report.manifest), valid until \(report.validUntil); \(report.images) images,"
                    + " \(report.builds) builds, \(report.files) files with \(report.bytes) bytes, all in order"
                    + (sample == nil && state == nil
                        ? "" : "; \(report.read) builds read, \(report.unchanged) unchanged since an earlier check")
            )
            if report.pagesAreCurrent == false {
                tell("rootcellar: the pages for people are of before; 'rootcellar repo refresh' makes them anew")
            }
        }

        private func report() throws(RootcellarError) -> CheckReport {
            let key = try Fingerprint(fingerprint)
            if let remote = try store.remote(repo) {
                guard state == nil else {
                    throw RootcellarError(
                        .usage,
                        "--state is for a tree in a directory",
                        subject: repo,
                        hint: "--sample reads less"
                    )
                }
                var check = RemoteCheck(remote, fingerprint: key, now: currentTime())
                check.sample = sample
                return try check.run()
            }
            var check = TreeCheck(tree: FilePath(repo), fingerprint: key, now: currentTime())
            check.sample = sample
            check.state = state.map { FilePath($0) }
            return try check.run()
        }
    }
}
