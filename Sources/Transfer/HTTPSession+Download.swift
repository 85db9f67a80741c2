// SPDX-License-Identifier: Apache-2.0

package import Model

extension HTTPSession {
    /// Delivers the bytes of a file whose size nobody has signed, in order. A connection that breaks begins the file
    /// anew, because nothing says that the rest is still of the same file.
    ///
    /// - Parameters:
    ///   - limit: the most bytes that are taken.
    ///   - restart: called before each attempt; what was delivered until then is void.
    ///   - sink: takes each piece while it lies in the receive buffer; what it throws ends the transfer.
    /// - Returns: false if there is no such file.
    /// - Throws: `TRANSPORT`, `SIZE`, `BINDING` if `path` is not one, and what `restart` and `sink` throw.
    package func download(
        _ path: String,
        limit: Int,
        restart: () throws(RootcellarError) -> Void,
        sink: (RawSpan) throws(RootcellarError) -> Void
    ) throws(RootcellarError) -> Bool {
        try checkTreePath(path)
        let url = server.url(of: path)
        // An hour at most, however slow; the low-speed limit ends what stalls.
        let deadline = Deadline(after: .seconds(3600))
        let onProgress = self.onProgress
        return try withTries(url: url, deadline: deadline) { _ throws(Fault) in
            do throws(RootcellarError) {
                try restart()
            } catch {
                throw Fault(error)
            }
            var count = 0
            let request = Exchange.Request(url: url, limit: limit)
            let head = try follow(request, headers: [], deadline: deadline) { span throws(RootcellarError) in
                try sink(span)
                count += span.byteCount
                onProgress?(count)
            } observe: { _ in
            }
            return head.status == 200
        }
    }
}
