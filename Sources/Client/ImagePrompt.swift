// SPDX-License-Identifier: Apache-2.0

package import Model

/// Asks a person for the parts of an image's name that the command line does not have.
package struct ImagePrompt {
    private let names: [ImageName]
    private let ask: (String) -> String?
    private let complain: (String) -> Void

    /// A prompt.
    ///
    /// - Parameters:
    ///   - names: every image that there is.
    ///   - ask: shows a question and gives the answer's line; nil at the end of input.
    ///   - complain: says what is wrong with an answer.
    package init(
        _ names: [ImageName],
        ask: @escaping (String) -> String?,
        complain: @escaping (String) -> Void
    ) {
        self.names = names
        self.ask = ask
        self.complain = complain
    }

    /// Completes a name. Each question is asked again until the answer is one that the server has; the variant is asked
    /// for only where there are several.
    ///
    /// - Throws: `USAGE` at the end of input, `POLICY` if what was given on the command line matches nothing.
    package func complete(
        distribution: String?,
        release: String?,
        architecture: String?,
        variant: String?
    ) throws(RootcellarError) -> ImageName {
        var left = names
        let distribution = try part("distribution", "Distribution: ", distribution, &left, \.distribution)
        let release = try part("release", "Release: ", release, &left, \.release)
        let architecture = try part("architecture", "Architecture: ", architecture, &left, \.architecture)
        let variants = Set(left.map(\.variant)).sorted()
        var chosen = variant
        if chosen == nil, variants.count == 1 { chosen = variants[0] }
        let standard = variants.contains("default") ? "default" : nil
        return try ImageName(
            distribution: distribution,
            release: release,
            architecture: architecture,
            variant: try part("variant", "Variant: ", chosen, &left, \.variant, standard: standard)
        )
    }

    /// - Parameter standard: what an empty answer means.
    private func part(
        _ what: String,
        _ question: String,
        _ given: String?,
        _ left: inout [ImageName],
        _ field: KeyPath<ImageName, String>,
        standard: String? = nil
    ) throws(RootcellarError) -> String {
        let values = Set(left.map { $0[keyPath: field] }).sorted()
        if let given {
            guard values.contains(given) else { throw Self.refusal(what, given, values) }
            left.removeAll { $0[keyPath: field] != given }
            return given
        }
        while true {
            guard let line = ask(question) else {
                throw RootcellarError(
                    .usage,
                    "nobody answered which \(what) it shall be",
                    hint: "give -d, -r and -a on the command line; --list shows what there is"
                )
            }
            let answer = trimmed(line)
            let value = answer.isEmpty ? standard ?? "" : answer
            if values.contains(value) {
                left.removeAll { $0[keyPath: field] != value }
                return value
            }
            let refusal = Self.refusal(what, value, values)
            complain("\(refusal.reason)\(value.isEmpty ? "" : " '\(refusal.subject)'"); \(refusal.hint ?? "")")
        }
    }

    private static func refusal(_ what: String, _ value: String, _ values: [String]) -> RootcellarError {
        let near = value.isEmpty ? nil : nearestName(to: value, among: values)
        return RootcellarError(
            .policy,
            value.isEmpty ? "no answer" : "no such \(what) on this server",
            subject: value,
            hint: near.map { "did you mean '\($0)'?" } ?? "there is \(values.joined(separator: ", "))"
        )
    }
}
