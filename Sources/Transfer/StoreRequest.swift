// SPDX-License-Identifier: Apache-2.0

import Model

/// What makes a request one to an object store: its method, its body, and who signs it.
struct StoreRequest {
    enum Body {
        case none
        case bytes([UInt8])
        case piece(FilePiece)
    }

    var method: String
    var body = Body.none
    var credentials: StoreCredentials
    var region: String

    /// Small bodies are copied: libcurl would ask first and wait for the answer before it sends a file.
    static let copyLimit = 1 << 20

    func apply(to handle: EasyHandle) throws(RootcellarError) {
        switch body {
        case .none: if method != "GET" { try handle.set(method: method) }
        case .bytes(let bytes): try handle.set(method: method, body: bytes)
        case .piece(let piece):
            _ = piece.seek(to: 0)
            try handle.set(method: method, body: piece)
        }
        try handle.sign(credentials, region: region)
    }
}
