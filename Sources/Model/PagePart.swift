// SPDX-License-Identifier: Apache-2.0

/// How a page that tells of many images says which part of it is about which: by comments around each. A server that does not
/// show every image to everybody can leave parts out of the page as it was published.
///
///     <!--parts-->                                    in every page that is marked so
///     <!--of debian/bookworm/amd64/default-->…<!--end-->      about one image
///     <!--of *-->…<!--end-->                             about all of them together
package enum PagePart {
    package static let declaration = "<!--parts-->"
    package static let opening = "<!--of "
    package static let closing = "<!--end-->"
    /// What is about all images.
    package static let all = "*"

    /// The name of an image in a mark: without hyphens, two of which would end a comment (XML 1.0, 2.5).
    package static func mark(_ path: String) -> String { String(path.map { $0 == "-" ? "=" : $0 }) }

    /// The name of the image that a mark names; nil for anything else.
    package static func name(_ mark: String) -> ImageName? {
        try? ImageName(path: String(mark.map { $0 == "=" ? "-" : $0 }))
    }

    /// A page without the parts about images that must not be told of; what is about all of them goes with the first that does.
    ///
    /// By bytes: to Swift a bracket with a combining mark behind it is another character, to a browser it ends the comment.
    ///
    /// - Returns: nil for a page that is not marked, or not well.
    package static func visible(_ page: [UInt8], _ isShown: (ImageName) -> Bool) -> [UInt8]? {
        guard position(of: declaration, in: page[...]) != nil else { return nil }
        var pieces: [(mark: String?, text: ArraySlice<UInt8>)] = []
        var rest = page[...]
        while let open = position(of: opening, in: rest) {
            pieces.append((nil, rest[..<open]))
            rest = rest[(open + opening.utf8.count)...]
            guard let end = position(of: "-->", in: rest), let close = position(of: closing, in: rest[end...]) else {
                return nil
            }
            let text = rest[(end + 3)..<close]
            guard position(of: opening, in: text) == nil else { return nil }
            pieces.append((String(decoding: rest[..<end], as: UTF8.self), text))
            rest = rest[(close + closing.utf8.count)...]
        }
        pieces.append((nil, rest))
        var isWhole = true
        var shown: [(isAboutAll: Bool, text: ArraySlice<UInt8>)] = []
        for (mark, text) in pieces {
            guard let mark, mark != all else {
                shown.append((mark != nil, text))
                continue
            }
            guard let name = name(mark) else { return nil }
            if isShown(name) { shown.append((false, text)) } else { isWhole = false }
        }
        return shown.lazy.filter { isWhole || !$0.isAboutAll }.reduce(into: []) { $0 += $1.text }
    }

    /// Where a text of ASCII begins.
    private static func position(of text: String, in bytes: ArraySlice<UInt8>) -> Int? {
        let wanted = Array(text.utf8)
        var start = bytes.startIndex
        while bytes.endIndex - start >= wanted.count, let at = bytes[start...].firstIndex(of: wanted[0]) {
            if bytes[at...].starts(with: wanted) { return at }
            start = at + 1
        }
        return nil
    }
}
