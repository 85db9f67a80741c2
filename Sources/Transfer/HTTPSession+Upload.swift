// SPDX-License-Identifier: Apache-2.0

package import Model

extension HTTPSession {
    /// What a server says to something that was sent.
    package struct Answer: Sendable {
        package let status: Int
        package let body: [UInt8]
    }

    /// The most bytes of an answer.
    private static let answerLimit = 1 << 20

    /// Sends bytes by PUT. A connection that breaks is made again, and they are sent again: what the server has of them by
    /// then is its to tell.
    ///
    /// - Parameter headers: more fields, as `Name: value`.
    /// - Throws: `TRANSPORT` if no answer comes, or only ones that ask for another try.
    package func put(_ path: String, _ body: [UInt8], headers: [String] = []) throws(RootcellarError) -> Answer {
        try checkTreePath(path)
        let url = server.url(of: path)
        let deadline = Deadline(after: options.allowance(size: body.count + Self.answerLimit))
        return try withTries(url: url, deadline: deadline) { _ throws(Fault) in
            var answer: [UInt8] = []
            var request = Exchange.Request(url: url, limit: Self.answerLimit)
            request.body = body
            // Waiting for "100 Continue" costs a second where nobody says it.
            let fields = ["Content-Type: application/octet-stream", "Expect:"] + headers
            let head = try follow(request, headers: fields, deadline: deadline) { span throws(RootcellarError) in
                unsafe span.withUnsafeBytes { unsafe answer.append(contentsOf: $0) }
            } observe: { _ in
            }
            return Answer(status: head.status, body: answer)
        }
    }
}
