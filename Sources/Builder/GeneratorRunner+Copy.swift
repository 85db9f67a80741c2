// SPDX-License-Identifier: Apache-2.0

import Archive
import Definition
import Glibc
import Model
import SystemPackage

extension GeneratorRunner {
    /// Copies files of the host: a file, a directory's content, or what a pattern in the last component matches.
    /// Symbolic links stay links; owners and modes are not taken over.
    func copy(_ item: FileItem) throws(RootcellarError) {
        guard !item.source.isEmpty else { throw fault(item, "generator 'copy' needs a source") }
        let target = item.path.isEmpty ? item.source.text : item.path.text
        let source = FilePath(item.source.text)
        guard let last = source.lastComponent?.string else { throw fault(item, "not the path of a file") }
        let matches: [FilePath]
        if last.utf8.contains(where: { $0 == 0x2A || $0 == 0x3F || $0 == 0x5B }) {
            let parent = source.removingLastComponent().isEmpty ? FilePath(".") : source.removingLastComponent()
            let directory = try building("open", parent.string) { () throws(Errno) in
                try openPath(parent, .readOnly, .directory)
            }
            defer { directory.closeQuietly() }
            let names = try building("list", parent.string) { () throws(Errno) in try directory.names() }
            matches = names.map { String(decoding: $0, as: UTF8.self) }
                .filter { name in unsafe fnmatch(last, name, FNM_PERIOD) == 0 }
                .map { parent.appending($0) }
            if matches.isEmpty { throw fault(item, "nothing matches '\(source.string)'") }
        } else {
            matches = [source]
        }
        let intoDirectory = target.hasSuffix("/") || matches.count > 1
        for match in matches {
            let name = match.lastComponent?.string ?? ""
            let place = intoDirectory && !isDirectory(match) ? "\(target)/\(name)" : target
            try copy(match, to: place, item)
        }
    }

    private func isDirectory(_ path: FilePath) -> Bool {
        guard let file = try? openPath(path, .readOnly, [.directory, .noFollow]) else { return false }
        file.closeQuietly()
        return true
    }

    private func copy(_ source: FilePath, to target: String, _ item: FileItem) throws(RootcellarError) {
        if let link = try? source.symbolicLinkTarget() {
            return try rootfs.link(target, to: link.string)
        }
        if isDirectory(source) {
            try rootfs.makeDirectory(target)
            let directory = try building("open", source.string) { () throws(Errno) in
                try openPath(source, .readOnly, [.directory, .noFollow])
            }
            defer { directory.closeQuietly() }
            for name in try building("list", source.string, { () throws(Errno) in try directory.names() }) {
                let name = String(decoding: name, as: UTF8.self)
                try copy(source.appending(name), to: "\(target)/\(name)", item)
            }
            return
        }
        let file = try building("open", source.string) { () throws(Errno) in
            try openPath(source, .readOnly, [.noFollow, .nonBlocking])
        }
        defer { file.closeQuietly() }
        // Sockets, pipes and devices have no content to copy.
        guard (try? file.status().kind) == .file else { return }
        let attributes = try attributes(of: item)
        try rootfs.write(target, mode: attributes.mode ?? 0o644, uid: attributes.uid, gid: attributes.gid) {
            output throws(Errno) in
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            while true {
                let count = try readBlock(file, &buffer)
                if count == 0 { return }
                unsafe try writeAll(output, buffer.span.extracting(first: count).bytes)
            }
        }
    }
}
