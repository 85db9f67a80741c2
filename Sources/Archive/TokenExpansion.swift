// SPDX-License-Identifier: Apache-2.0

import Glibc
package import Model
package import SystemPackage

/// Puts a container's values for the tokens of LXC's template contract (`LXC_NAME` and its like) into text.
package struct TokenExpansion: Sendable {
    private let values: [(token: [UInt8], value: [UInt8])]

    /// Replaces each key by its value.
    package init(_ values: [String: String]) {
        // The longest first, so that no token is taken for the beginning of a longer one.
        self.values = values.map { (Array($0.key.utf8), Array($0.value.utf8)) }
            .sorted { $0.token.count > $1.token.count }
    }

    /// The text with every whole token replaced. `LXC_ROOTFS_MOUNT`, which LXC itself fills in for hooks, stays.
    package func expand(_ text: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            let rest = text[index...]
            let match = values.first { rest.starts(with: $0.token) }
            if let match, !Self.continues(text, at: index + match.token.count),
                index == 0 || !Self.continues(text, at: index - 1)
            {
                result += match.value
                index += match.token.count
            } else {
                result.append(text[index])
                index += 1
            }
        }
        return result
    }

    private static func continues(_ text: [UInt8], at index: Int) -> Bool {
        guard index < text.count else { return false }
        return switch text[index] {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
        default: false
        }
    }

    /// Expands a file of an unpacked rootfs, named by its path with or without a leading slash. One that is not there is
    /// left alone.
    ///
    /// The image chose the path, so the file is opened without passing a symbolic link or leaving the rootfs, must be a
    /// regular file with one name, and is replaced by rename with its owner and mode kept.
    ///
    /// - Throws: `META` for anything else.
    package func expandFile(_ path: String, in root: FileDescriptor) throws(RootcellarError) {
        let relative = Array(path.utf8.drop { $0 == UInt8(ascii: "/") })
        func refuse(_ why: String) -> RootcellarError {
            RootcellarError(.meta, "the image's template list names \(why)", subject: "'\(path)'")
        }
        let parts = relative.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && !$0.contains(0) && !$0.elementsEqual("..".utf8) }) else {
            throw refuse("a bad path")
        }
        let (parentPath, name) = splitPath(relative)
        do throws(Errno) {
            let parent = try root.openDirectoryBeneath(parentPath)
            defer { try? parent.close() }
            let status = try parent.status(of: name)
            guard status.kind == .file, status.links == 1, status.size <= 1 << 20 else {
                throw Errno.invalidArgument
            }
            let file = try parent.open(name, O_RDONLY)
            defer { try? file.close() }
            var text = [UInt8](repeating: 0, count: status.size)
            text.removeLast(status.size - (try readBlock(file, &text)))
            let expanded = expand(text)
            if expanded == text { return }
            let temporary = Array(name) + Array(".rootcellar".utf8)
            let new = try parent.createFile(temporary, mode: 0o600)
            defer { try? new.close() }
            try expanded.withPrefix(expanded.count) { bytes throws(Errno) in try writeAll(new, bytes) }
            try new.changeOwner(uid: status.uid, gid: status.gid)
            try new.changeMode(status.mode)
            try parent.rename(temporary, to: name)
        } catch {
            switch error {
            case .noSuchFileOrDirectory: return
            case .invalidArgument, .notDirectory, .tooManySymbolicLinkLevels, .improperLink:
                throw refuse("something that is not a plain file of the image")
            default: throw systemError(.meta, "cannot fill in a template", error, subject: "'\(path)'")
            }
        }
    }
}
