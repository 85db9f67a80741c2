// SPDX-License-Identifier: Apache-2.0

package import Model

/// The keys that an object store knows somebody by. No text of it shows the secret ones.
package struct StoreCredentials: Sendable, CustomStringConvertible, CustomDebugStringConvertible {
    /// Says who, and is no secret.
    package let accessKey: String
    let secretKey: String
    let sessionToken: String?

    /// - Throws: `POLICY` for keys that no store has, the secret left out.
    package init(accessKey: String, secretKey: String, sessionToken: String? = nil) throws(RootcellarError) {
        let given =
            [("access key", accessKey), ("secret key", secretKey)] + (sessionToken.map { [("token", $0)] } ?? [])
        for (what, text) in given {
            guard (1...4096).contains(text.utf8.count), text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                throw RootcellarError(.policy, "not a \(what) of an object store", hint: "printable ASCII, no blanks")
            }
        }
        guard !accessKey.contains(":"), !accessKey.contains("/") else {
            throw RootcellarError(.policy, "not an access key of an object store", subject: accessKey)
        }
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.sessionToken = sessionToken
    }

    /// Those of the environment, by the names that every tool for such stores knows; nil if there are none.
    package init?(environment: (String) -> String?) throws(RootcellarError) {
        guard let key = environment("AWS_ACCESS_KEY_ID"), !key.isEmpty else { return nil }
        guard let secret = environment("AWS_SECRET_ACCESS_KEY"), !secret.isEmpty else {
            throw RootcellarError(.policy, "AWS_ACCESS_KEY_ID is set, AWS_SECRET_ACCESS_KEY is not")
        }
        let token = environment("AWS_SESSION_TOKEN")
        try self.init(accessKey: key, secretKey: secret, sessionToken: token == "" ? nil : token)
    }

    /// Those of a file of lines `key = value`, with the same names in small letters.
    package init(file text: String, path: String) throws(RootcellarError) {
        let names = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"]
        let file = try KeyValueFile(text, path: path, known: names) { names.contains($0) }
        guard let key = file[names[0]], let secret = file[names[1]] else {
            throw RootcellarError(
                .policy,
                "no keys in it",
                subject: path,
                hint: "\(names[0]) = ... and \(names[1]) = ..."
            )
        }
        try self.init(accessKey: key, secretKey: secret, sessionToken: file[names[2]])
    }

    package var description: String { "credentials of \(accessKey)" }
    package var debugDescription: String { description }
}
