// SPDX-License-Identifier: Apache-2.0

import NIOPosix

/// Runs a blocking client on a thread of its own: a test that blocked would hold up all others, since the pool they
/// run on has no more threads than the machine has cores.
package func blocking<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await clientThreads.runIfActive(body)
}

private let clientThreads: NIOThreadPool = {
    let pool = NIOThreadPool(numberOfThreads: 16)
    pool.start()
    return pool
}()
