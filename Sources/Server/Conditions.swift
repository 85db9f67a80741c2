// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Model

/// The conditions of a request, weighed in the order of RFC 9110, 13.2.2.
struct Conditions: Sendable {
    /// What they come to.
    enum Outcome: Equatable, Sendable {
        /// Send it; a range may be honoured or not.
        case send(ByteRange)
        case notModified
        case failed
    }

    let fields: HTTPFields
    let tag: EntityTag
    let lastModified: Timestamp
    let size: Int64

    /// - Parameters:
    ///   - isHead: ranges are defined for GET alone (14.2).
    ///   - now: seconds; a date is a strong validator only if the file has not changed in the second it names (8.8.2.2).
    func outcome(isHead: Bool, now: Timestamp) -> Outcome {
        if let list = fields[.ifMatch] {
            // The tag is never weak, so that the weak comparison used here is the strong one unless the client's is weak.
            guard !list.utf8.starts(with: "W/".utf8), tag.isNamed(inList: list) else { return .failed }
        } else if let date = fields[.ifUnmodifiedSince].flatMap(HTTPDate.moment) {
            guard lastModified <= date else { return .failed }
        }
        if let list = fields[.ifNoneMatch] {
            if tag.isNamed(inList: list) { return .notModified }
        } else if let date = fields[.ifModifiedSince].flatMap(HTTPDate.moment) {
            if lastModified <= date { return .notModified }
        }
        guard !isHead, isRangeStillMeant(now: now) else { return .send(.whole) }
        return .send(ByteRange(fields[.range], size: size))
    }

    /// `If-Range`: the client has a part of exactly this file, or it wants the whole one.
    private func isRangeStillMeant(now: Timestamp) -> Bool {
        guard let value = fields[.ifRange] else { return true }
        if value == tag.text { return true }
        return HTTPDate.moment(value) == lastModified && lastModified < now.adding(seconds: -1)
    }
}
