// SPDX-License-Identifier: Apache-2.0

import Model

/// The ids a user may give to others in a user namespace, from `/etc/subuid` and `/etc/subgid` (subuid(5)).
package struct SubordinateIDs: Hashable, Sendable {
    /// The first id of the range.
    package var first: UInt32
    /// How many there are.
    package var count: UInt32

    /// Ids that an image needs: Debian's own go up to 65535.
    package static let needed: UInt32 = 65536

    /// The first range in the text of such a file that is big enough for a build.
    ///
    /// - Parameters:
    ///   - text: lines `name-or-uid:first:count`.
    ///   - user: the user's name, if it has one.
    ///   - uid: the user's id.
    package init?(in text: String, user: String?, uid: UInt32) {
        for line in text.split(whereSeparator: \.isNewline) {
            let fields = line.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, fields[0] == String(uid) || user.map({ fields[0] == $0 }) ?? false,
                let first = UInt32(fields[1]), let count = UInt32(fields[2]),
                // Id 0 of the image is the caller itself.
                count >= Self.needed - 1, first > 0, UInt64(first) + UInt64(count) <= UInt64(UInt32.max)
            else { continue }
            self.first = first
            self.count = count
            return
        }
        return nil
    }

    /// The range as it is asked for, so that a build sees the same ids whoever runs it.
    init(first: UInt32) {
        self.first = first
        count = Self.needed - 1
    }

    /// The options of `rootcellar-sandbox enter` that make the caller root and map the rest from this range.
    func options(_ name: String, caller: UInt32) -> [String] {
        [name, "0:\(caller):1", name, "1:\(first):\(Self.needed - 1)"]
    }
}
