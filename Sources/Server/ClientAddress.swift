// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// Who asks: the peer, or, where the peer is a proxy of ours, whoever it says it asks for.
struct ClientAddress: Sendable, Equatable {
    /// An IP address, without a port.
    let address: String
    /// For logs: the address, with its port where it is known.
    let name: String

    init(_ fields: HTTPFields, _ context: ConnectionContext, behind proxies: Set<String>) {
        if !proxies.isEmpty, proxies.contains(context.address), let forwarded = Self.forwarded(fields) {
            (address, name) = (forwarded, forwarded)
        } else {
            (address, name) = (context.address, context.peer)
        }
    }

    /// The last address of `X-Forwarded-For`: what the proxy itself has added. Those before it are what the client says.
    static func forwarded(_ fields: HTTPFields) -> String? {
        guard let name = HTTPField.Name("X-Forwarded-For"),
            let last = fields[values: name].last?.split(separator: ",").last
        else { return nil }
        let text = String(last.filter { $0 != " " && $0 != "\t" && $0 != "[" && $0 != "]" })
        return IPAddress(text) == nil ? nil : text
    }
}
