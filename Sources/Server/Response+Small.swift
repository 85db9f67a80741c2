// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
    /// A response that is complete in memory and no file of the tree. Caches must not keep it: the next root document or
    /// index level appears where there was nothing before.
    ///
    /// - Parameter text: the body; the status in words by default.
    static func small(
        _ status: HTTPResponse.Status,
        type: String = "text/plain; charset=utf-8",
        _ text: String? = nil,
        _ more: HTTPFields = [:],
        isHead: Bool
    ) -> Response {
        var fields = more
        let text = text ?? "\(status.code) \(status.reasonPhrase)\n"
        fields[.contentType] = type
        fields[.xContentTypeOptions] = "nosniff"
        fields[.cacheControl] = "no-cache"
        fields[.contentLength] = String(text.utf8.count)
        return Response(
            status: status,
            headers: fields,
            body: isHead ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(string: text))
        )
    }
}
