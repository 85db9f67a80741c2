// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ClientCommands
import Model
import Repository
import SystemPackage

extension String {
    /// The role of this name.
    ///
    /// - Throws: `USAGE` if there is none.
    func asRole() throws(RootcellarError) -> Role {
        guard let role = Role(rawValue: self) else {
            throw RootcellarError(.usage, "no such role", subject: self, hint: "root, release or freshness")
        }
        return role
    }
}

/// Where a change of keys goes.
struct DraftOption: ParsableArguments {
    @Option(help: "Publish nothing: write the root document to this file, for the holders of the root keys to sign.")
    var draft: String?

    /// Makes the change, or the draft of it.
    func run(_ place: TreePlace, _ change: KeyChange, _ keys: NewKeys = NewKeys()) throws(RootcellarError) {
        let publisher = try place.publisher()
        guard let draft else { return try place.print(publisher.perform(change, with: keys)) }
        try writeDraft(try publisher.draft(change, with: keys), to: draft)
    }
}

/// Writes a draft and says what is missing.
func writeDraft(_ root: RootDraft, to path: String) throws(RootcellarError) {
    let output = try OutputFile(FilePath(path))
    do { try output.file.writeAll(root.bytes) } catch {
        throw RootcellarError(.usage, "cannot be written (\(error))", subject: path)
    }
    try output.commit()
    say("root document \(root.document.version) of '\(root.document.server)', valid until \(root.document.expires)")
    for role in Role.allCases.reversed() {
        let keys = try root.document.keys(of: role)
        let before = try root.previous?.keys(of: role).fingerprints ?? []
        for key in keys.fingerprints {
            say("\(role.rawValue) \(key)\(before.contains(key) ? "" : " (new)")")
        }
        for key in before where !keys.fingerprints.contains(key) { say("\(role.rawValue) \(key) (leaves)") }
        if keys.fingerprints.count > 1 { say("\(role.rawValue): \(keys.threshold) have to sign") }
    }
    let missing = try root.missing(now: currentTime())
    say(missing.isEmpty ? "signed by enough root keys" : missing.joined(separator: "; "))
}

/// Reads drafts: copies of one, signed by different people.
func readDrafts(_ paths: [String]) throws(RootcellarError) -> RootDraft {
    var drafts: [RootDraft] = []
    for path in paths {
        let bytes = try readSmall(FilePath(path))
        drafts.append(try RootDraft(reading: bytes, subject: path, now: currentTime()))
    }
    guard let first = drafts.first else { throw RootcellarError(.usage, "no draft was given") }
    return try first.joined(Array(drafts.dropFirst()))
}

extension KeyCommand {
    /// `key rotate`.
    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace every key of a role by new ones",
            discussion: """
                Signs a new root document with the root keys there are and those there will be, and publishes it with a
                manifest and a pointer. Clients follow by themselves, step by step, however long they were away. Where root
                keys are on other machines, --draft writes the document for their holders to sign.
                """
        )

        @OptionGroup private var place: TreePlace
        @OptionGroup private var keys: NewKeyOptions
        @OptionGroup private var draft: DraftOption
        @Option(help: "root, release or freshness.") private var role: String
        @Option(help: "How many keys the role has from now on (default: as many as now).") private var count: Int?
        @Option(help: "How many of them have to sign (default: as many as now).") private var threshold: Int?

        func run() throws {
            let change = KeyChange.rotate(try role.asRole(), count: count, threshold: threshold)
            try draft.run(place, change, keys.keys())
        }
    }

    /// `key revoke`.
    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a key that was lost or stolen away from its role; a new one comes in its place",
            discussion:
                "From the moment a client sees the new root document it believes nothing that the key has signed."
        )

        @OptionGroup private var place: TreePlace
        @OptionGroup private var keys: NewKeyOptions
        @OptionGroup private var draft: DraftOption
        @Option(help: "root, release or freshness.") private var role: String
        @Option(help: "All 40 or 64 hex digits of the key.") private var fingerprint: String

        func run() throws {
            try draft.run(place, .revoke(try Fingerprint(fingerprint), try role.asRole()), keys.keys())
        }
    }

    /// `key renew`.
    struct Renew: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign the root document once more, so that it does not expire; every key stays"
        )

        @OptionGroup private var place: TreePlace
        @OptionGroup private var draft: DraftOption

        func run() throws { try draft.run(place, .renew) }
    }

    /// `key sign-root`.
    struct SignRoot: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "sign-root",
            abstract: "Sign the draft of a root document with the root keys that are here",
            discussion: """
                Needs no network and no tree. Read what is printed, and compare the fingerprints, before you hand the file \
                on. Nothing older than what these keys have signed before is signed.
                """
        )

        @Argument(help: "The draft; the signatures are added to it.") private var draft: String
        @OptionGroup private var options: KeyOptions
        @Option(help: "Write the result to another file.") private var output: String?
        @Flag(help: "Sign it though these keys have signed another document of this version.") private var replace =
            false

        func run() throws {
            var signer = RootSigner(keys: try options.open(), now: currentTime())
            signer.replaces = replace
            try writeDraft(try signer.sign(try readDrafts([draft])), to: output ?? draft)
        }
    }

    /// `key apply`.
    struct Apply: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Publish a root document that the holders of the root keys have signed"
        )

        @Argument(help: "The draft, or several copies of it that were signed by different people.")
        private var drafts: [String]
        @OptionGroup private var place: TreePlace

        func run() throws { try place.print(place.publisher().apply(try readDrafts(drafts))) }
    }
}
