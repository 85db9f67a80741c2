// SPDX-License-Identifier: Apache-2.0

import Model

/// The one place that decides which names a member may have.
enum MemberPath {
    /// Takes a leading `./` and a trailing `/` away and refuses everything that is not a plain relative path after
    /// that. Nothing is repaired: a name that one reader strips and another follows is an attack.
    static func normalised(_ raw: [UInt8], limits: TarLimits) throws(RootcellarError) -> [UInt8] {
        guard !raw.isEmpty, raw.count <= limits.path else { throw refuse("a name of \(raw.count) bytes", raw) }
        if raw == dot || raw == dotSlash { return [] }
        var path = raw[...]
        if path.starts(with: dotSlash) { path = path.dropFirst(2) }
        if path.last == slash { path = path.dropLast() }
        var depth = 0
        for component in path.split(separator: slash, omittingEmptySubsequences: false) {
            depth += 1
            guard !component.isEmpty else { throw refuse("an absolute name or an empty component", raw) }
            guard component.count <= limits.component else { throw refuse("a component over 255 bytes", raw) }
            guard !component.elementsEqual(dot), !component.elementsEqual(dotDot) else {
                throw refuse("'.' or '..' inside a name", raw)
            }
        }
        guard depth <= limits.depth else { throw refuse("more than \(limits.depth) components", raw) }
        return Array(path)
    }

    private static let slash = UInt8(ascii: "/")
    private static let dot = [UInt8(ascii: ".")]
    private static let dotDot = Array("..".utf8)
    private static let dotSlash = Array("./".utf8)
}
