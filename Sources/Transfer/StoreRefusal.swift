// SPDX-License-Identifier: Apache-2.0

import Model

/// Why an object store refuses.
struct StoreRefusal {
    let status: Int
    /// The store's own word, as in `NoSuchKey`; empty if there is none that can be read.
    let code: String
    private let message: String

    init(status: Int, body: [UInt8]) {
        self.status = status
        let answer = MarkupElement(reading: body).flatMap { $0.name == "Error" ? $0 : nil }
        code = answer?["Code"] ?? ""
        message = answer?["Message"] ?? ""
    }

    /// Whether a condition of the request was not met, or somebody else is writing the same object.
    var isConditional: Bool { status == 412 || (status == 409 && code != "NoSuchBucket") }

    /// Whether there is no such object.
    var isMissing: Bool { (status == 404 || status == 410) && code != "NoSuchBucket" }

    /// What it says to a user. The store's words are about names and times, never about the secret key.
    func error(_ address: StoreAddress, _ subject: String) -> RootcellarError {
        let word = code.isEmpty ? "HTTP status \(status)" : "\(code), HTTP status \(status)"
        func error(_ errorClass: ErrorClass, _ what: String, _ hint: String?) -> RootcellarError {
            RootcellarError(errorClass, "\(what) (\(word))", subject: subject, hint: hint)
        }
        switch code {
        case "NoSuchBucket":
            return error(
                .repository,
                "there is no such bucket at \(address.endpoint)",
                "make it first, or check the name"
            )
        case "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken":
            return error(
                .policy,
                "the object store does not accept these credentials",
                "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the file of 's3-credentials'"
            )
        case "RequestTimeTooSkewed":
            return error(.clock, "the object store has another time than this machine", "set the clock")
        case "AccessDenied", "AllAccessDisabled":
            return error(
                .policy,
                "the object store does not let these credentials do that",
                "they need to get, put, delete and list objects of this bucket"
            )
        case "AuthorizationHeaderMalformed", "PermanentRedirect", "TemporaryRedirect",
            "IllegalLocationConstraintException":
            return error(.policy, "the bucket is in another region than '\(address.region)'", "give --region")
        case "NotImplemented":
            return error(.policy, "the object store cannot do that", "use one that keeps conditions of writes")
        default:
            if status == 401 || status == 403 {
                return error(.policy, "the object store does not accept this", "check the credentials")
            }
            let text = message.isEmpty ? "" : ": \(String(message.prefix(200)))"
            return RootcellarError(.transport, "the object store refuses\(text) (\(word))", subject: subject)
        }
    }
}
