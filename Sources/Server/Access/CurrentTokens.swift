// SPDX-License-Identifier: Apache-2.0

package import Model
import Synchronization
import SystemPackage

/// The token list that counts now: read again when its file changes, so that a token that was removed is worth nothing a
/// moment later.
package final class CurrentTokens: Sendable {
    private struct State {
        var list: TokenList
        var watch: FileWatch
    }

    private let state: Mutex<State>
    private let file: TokenFile

    /// The list in use.
    var current: TokenList { state.withLock { $0.list } }

    /// Reads the file.
    ///
    /// - Throws: `POLICY` as `TokenFile` does.
    package init(_ file: TokenFile) throws(RootcellarError) {
        self.file = file
        let watch = FileWatch([file.path])
        state = Mutex(State(list: try file.read(), watch: watch))
    }

    /// Reads the file again if it has changed; blocks.
    ///
    /// - Returns: whether there is a new list.
    /// - Throws: `POLICY` for a file that cannot be used, once for each change. Then no token counts at all: nobody knows
    ///   which one was meant to be removed.
    func reload() throws(RootcellarError) -> Bool {
        guard state.withLock({ $0.watch.hasChanged() }) else { return false }
        do throws(RootcellarError) {
            let list = try file.read()
            state.withLock { $0.list = list }
            return true
        } catch {
            state.withLock { $0.list = TokenList() }
            throw error
        }
    }
}
