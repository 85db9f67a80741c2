// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Model
import NIOCore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Files that clients have asked for, by the targets of their requests, so that "not modified" can be said on the event loop:
/// all that has to be known then is that the file is the one it was. Its status says so (see `EntityTag`), which the kernel
/// has at hand for a file that was asked for before.
///
/// Only files that everybody may read are remembered, and only requests with nothing special about them are answered; for all
/// others there is the responder.
final class FreshFiles: Sendable {
    /// The most files that are remembered.
    static let most = 4096

    private struct Entry: Sendable {
        let name: String
        let status: FileStatus
        let tag: String
        let fields: HTTPFields
    }

    private let tree: PublishedTree
    private let limiter: RateLimiter?
    private let proxies: Set<String>
    private let log: AccessLog
    private let entries = Mutex<[String: Entry]>([:])
    private let date = Mutex<(moment: Timestamp, text: String)>((Timestamp(seconds: 0), ""))

    init(_ tree: PublishedTree, limiter: RateLimiter?, proxies: Set<String>, log: AccessLog) {
        (self.tree, self.limiter, self.proxies, self.log) = (tree, limiter, proxies, log)
    }

    /// How many are remembered.
    var count: Int { entries.withLock { $0.count } }

    /// Remembers a file that was sent, or was not because the client had it.
    ///
    /// - Parameters:
    ///   - target: what was asked for.
    ///   - name: the file's name below the top of the tree.
    ///   - fields: what a client that has it is told.
    func remember(
        _ target: String?,
        _ name: String,
        _ status: FileStatus,
        _ tag: EntityTag,
        _ fields: HTTPFields,
        now: Timestamp
    ) {
        // A file that has just changed could change once more within the same tick of the clock, and look the same.
        guard let target, !target.utf8.contains(0x3F), now.seconds - status.changed / 1_000_000_000 >= 2 else { return }
        var fields = fields
        fields[.server] = ServiceResponder.name
        let entry = Entry(name: name, status: status, tag: tag.text, fields: fields)
        entries.withLock { entries in
            if entries.count >= Self.most, entries[target] == nil, let any = entries.keys.first { entries[any] = nil }
            entries[target] = entry
        }
    }

    /// The answer to a request of somebody who has the file that is still there.
    ///
    /// - Returns: nil for a request that is not so simple.
    func answer(_ head: HTTPRequest, over channel: any Channel) -> HTTPResponse? {
        guard head.method == .get || head.method == .head, let target = head.path,
            let tag = Self.tag(head.headerFields),
            let entry = entries.withLock({ $0[target] }), entry.tag == tag, tree.status(entry.name) == entry.status
        else { return nil }
        let now = Timestamp.now
        if limiter != nil || log.isWritten {
            let client = ClientAddress(head.headerFields, ConnectionContext(channel: channel), behind: proxies)
            if let limiter, limiter.admit(client.address) != nil { return nil }
            log.end(log.begin(head, client: client.name), .notModified, sent: 0)
        } else {
            log.counters.count(status: 304, bytes: 0)
        }
        var response = HTTPResponse(status: .notModified, headerFields: entry.fields)
        response.headerFields[.date] = date.withLock { date in
            if date.moment != now { date = (now, HTTPDate.text(now)) }
            return date.text
        }
        return response
    }

    /// The one tag of a request without other conditions, a body, or a token.
    private static func tag(_ fields: HTTPFields) -> String? {
        var tag: String?
        for field in fields {
            switch field.name {
            case .ifNoneMatch:
                guard tag == nil else { return nil }
                tag = field.value
            case .authorization, .connection, .contentLength, .expect, .ifMatch, .ifUnmodifiedSince, .transferEncoding:
                return nil
            default: break
            }
        }
        return tag
    }
}
