// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
package import SystemPackage

/// Owner, mode and extended attributes of what a descriptor is open on.
extension FileDescriptor {
    /// Gives what root has made to whoever something else belongs to; for anybody else it is theirs already.
    package func give(toOwnerOf other: FileDescriptor) throws(Errno) {
        guard geteuid() == 0 else { return }
        let owner = try other.status()
        guard owner.uid != 0 || owner.gid != 0 else { return }
        try changeOwner(uid: owner.uid, gid: owner.gid)
    }

    /// Sets the owner (fchown(2)); clears set-id bits and file capabilities.
    package func changeOwner(uid: UInt32, gid: UInt32) throws(Errno) {
        _ = try retrying { clinux_fchown(rawValue, uid, gid) }
    }

    /// Sets the permission bits (fchmod(2)).
    package func changeMode(_ mode: UInt32) throws(Errno) {
        _ = try retrying { clinux_fchmod(rawValue, mode) }
    }

    /// Sets an extended attribute.
    package func setAttribute(_ attribute: TarEntry.Attribute) throws(Errno) {
        _ = try unsafe withCPath(attribute.name) { name throws(Errno) in
            try retrying {
                unsafe attribute.value.withUnsafeBytes { value in
                    unsafe clinux_fsetxattr(rawValue, name, value.baseAddress, value.count)
                }
            }
        }
    }

    /// All extended attributes that an image may carry; empty where the file system has none.
    package func imageAttributes() throws(Errno) -> [TarEntry.Attribute] {
        var list = [UInt8](repeating: 0, count: 1024)
        let size: Int
        do throws(Errno) {
            size = try unsafe fill(&list) { unsafe clinux_flistxattr(rawValue, $0, $1) }
        } catch {
            if error == .notSupported || error == .permissionDenied { return [] }
            throw error
        }
        var attributes: [TarEntry.Attribute] = []
        for name in list.prefix(size).split(separator: 0) where AttributePolicy.allows(Array(name)) {
            var value = [UInt8](repeating: 0, count: 256)
            let length = try unsafe withCPath(name) { name throws(Errno) in
                try unsafe fill(&value) { unsafe clinux_fgetxattr(rawValue, name, $0, $1) }
            }
            attributes.append(TarEntry.Attribute(name: Array(name), value: Array(value.prefix(length))))
        }
        return attributes
    }

    /// Calls a function that fills a buffer, with a bigger one for as long as it says ERANGE.
    private func fill(
        _ buffer: inout [UInt8],
        _ call: (UnsafeMutableRawPointer?, Int) -> Int
    ) throws(Errno) -> Int {
        while true {
            do throws(Errno) {
                return Int(
                    try retrying {
                        unsafe buffer.withUnsafeMutableBytes { unsafe CInt(clamping: call($0.baseAddress, $0.count)) }
                    }
                )
            } catch {
                guard error == .outOfRange, buffer.count < 1 << 20 else { throw error }
                buffer = [UInt8](repeating: 0, count: buffer.count * 4)
            }
        }
    }
}
