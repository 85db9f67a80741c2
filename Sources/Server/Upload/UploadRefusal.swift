// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Model

/// Why a server does not take something that a builder sends.
struct UploadRefusal: Error {
    let status: HTTPResponse.Status
    /// For people, in one clause.
    let reason: String
    /// How much there is of the file, where that is what the client has to know.
    var offset: Int?
    /// Whether the audit log has to have it: not for a client that is only behind.
    var isAudited = true

    init(_ status: HTTPResponse.Status, _ reason: String, offset: Int? = nil, isAudited: Bool = true) {
        self.status = status
        self.reason = printable(reason)
        self.offset = offset
        self.isAudited = isAudited
    }

    /// What went wrong on our side.
    static func failure(_ error: any Error) -> UploadRefusal {
        UploadRefusal(.insufficientStorage, "the server cannot store it: \(error)")
    }
}

extension HTTPResponse.Status {
    /// 507 (RFC 4918, 11.5).
    static let insufficientStorage = HTTPResponse.Status(code: 507, reasonPhrase: "Insufficient Storage")
}
