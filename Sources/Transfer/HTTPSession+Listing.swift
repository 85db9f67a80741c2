// SPDX-License-Identifier: Apache-2.0

package import Model

extension HTTPSession {
    /// Reads the page that a web server makes of a directory.
    ///
    /// - Parameters:
    ///   - directory: relative to the server's address, without a slash at the end; empty for the address itself.
    ///   - limit: the most bytes that are taken.
    /// - Returns: nil if there is no such directory.
    /// - Throws: `TRANSPORT`, `SIZE`, or `BINDING` if `directory` is not a path.
    package func listing(_ directory: String, limit: Int) throws(RootcellarError) -> [UInt8]? {
        if !directory.isEmpty { try checkTreePath(directory) }
        // Asked for without the slash, many servers answer by a redirect to an address of their own.
        let url = directory.isEmpty ? server.url + "/" : server.url(of: directory) + "/"
        let deadline = Deadline(after: options.allowance(size: limit))
        return try withTries(url: url, deadline: deadline) { _ throws(Fault) in
            var bytes: [UInt8] = []
            let request = Exchange.Request(url: url, limit: limit)
            let head = try follow(request, headers: [], deadline: deadline) { span throws(RootcellarError) in
                unsafe span.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
            } observe: { _ in
            }
            return head.status == 200 ? bytes : nil
        }
    }
}
