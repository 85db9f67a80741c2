// SPDX-License-Identifier: Apache-2.0

import Archive
import SystemPackage
import TestSupport

/// All bytes of a file of the test's scratch directory.
func scratchBytes(_ name: String) throws -> [UInt8] {
    let file = try FileDescriptor.open(ScratchDirectory.path.appending(name), .readOnly)
    defer { try? file.close() }
    var bytes = [UInt8](repeating: 0, count: try file.status().size)
    _ = try readBlock(file, &bytes)
    return bytes
}
