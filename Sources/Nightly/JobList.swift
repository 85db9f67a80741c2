// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
package import Model

/// A list of jobs in the form that a program which hands them out reads.
package enum JobList: String, CaseIterable, Sendable {
    /// A matrix of GitHub's workflows, for `strategy: {matrix: ${{ fromJSON(...) }}}`.
    case github
    /// A child pipeline of GitLab.
    case gitlab
    /// What `templates/buildbot/master.cfg` reads.
    case buildbot

    /// The most jobs that GitHub takes in one matrix.
    private static let mostOfGitHub = 256

    private struct Matrix: Encodable {
        struct Job: Encodable {
            var image: String
            var why: String
            var labels: [String]
            /// Each step's command, quoted for a shell.
            var steps: [String: String]

            private struct Key: CodingKey {
                var stringValue: String
                var intValue: Int? { nil }
                init(_ text: String) { stringValue = text }
                init?(stringValue: String) { self.stringValue = stringValue }
                init?(intValue: Int) { nil }
            }

            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                try container.encode(image, forKey: Key("image"))
                try container.encode(why, forKey: Key("why"))
                try container.encode(labels, forKey: Key("labels"))
                for (name, command) in steps { try container.encode(command, forKey: Key(name)) }
            }
        }
        var include: [Job]
    }

    /// The list as text.
    ///
    /// - Throws: `POLICY` for more jobs than the reader takes.
    package func text(_ jobs: [BuildJob]) throws(RootcellarError) -> String {
        switch self {
        case .github: try github(jobs)
        case .gitlab: try gitlab(jobs)
        case .buildbot: try Self.json(jobs)
        }
    }

    private func github(_ jobs: [BuildJob]) throws(RootcellarError) -> String {
        guard jobs.count <= Self.mostOfGitHub else {
            throw RootcellarError(
                .policy,
                "\(jobs.count) jobs, a matrix has at most \(Self.mostOfGitHub)",
                hint: "choose some with --only"
            )
        }
        return try Self.json(
            Matrix(
                include: jobs.map { job in
                    let steps = job.steps.map { ($0.name, Self.quoted($0.command)) }
                    return Matrix.Job(
                        image: job.image,
                        why: job.why,
                        labels: job.labels,
                        steps: Dictionary(uniqueKeysWithValues: steps)
                    )
                }
            )
        )
    }

    /// A quoted JSON string is one of YAML, too (YAML 1.2, 1.3).
    private func gitlab(_ jobs: [BuildJob]) throws(RootcellarError) -> String {
        var lines = ["# A child pipeline, made by 'rootcellar plan'."]
        for job in jobs {
            lines.append(try Self.json(job.image) + ":")
            let tags = try Self.json(job.labels)
            lines.append("  tags: \(tags)")
            lines.append("  script:")
            for step in job.steps {
                let line = try Self.json(Self.quoted(step.command))
                lines.append("  - \(line)")
            }
            lines.append("  retry: {max: 2, when: [runner_system_failure, stuck_or_timeout_failure]}")
        }
        // GitLab refuses a pipeline without jobs.
        if jobs.isEmpty { lines += ["\"nothing is due\":", "  script:", "  - \"true\""] }
        return lines.joined(separator: "\n")
    }

    private static func json(_ value: some Encodable) throws(RootcellarError) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do { return String(decoding: try encoder.encode(value), as: UTF8.self) } catch {
            throw RootcellarError(.internal, "cannot write JSON: \(error)")
        }
    }

    /// A command line that a shell splits into these words.
    package static func quoted(_ words: [String]) -> String {
        words.map { word in
            let isPlain =
                !word.isEmpty
                && word.utf8.allSatisfy { byte in
                    switch byte {
                    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
                    case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "="),
                        UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "+"), UInt8(ascii: "@"), UInt8(ascii: "%"):
                        true
                    default: false
                    }
                }
            return isPlain ? word : "'" + word.replacing("'", with: "'\\''") + "'"
        }.joined(separator: " ")
    }
}
