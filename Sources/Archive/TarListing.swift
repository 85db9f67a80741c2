// SPDX-License-Identifier: Apache-2.0

package import Model

/// All members of an archive in memory, their content passed over: what fuzzing feeds, and what is compared with other
/// readers' listings. Whatever the bytes are, it returns or throws.
///
/// - Throws: `ARCHIVE`.
package func listTar(_ bytes: [UInt8], limits: TarLimits = TarLimits()) throws(RootcellarError) -> [TarEntry] {
    let reader = TarReader(bytes: bytes, limits: limits)
    var entries: [TarEntry] = []
    while let entry = try reader.next() { entries.append(entry) }
    return entries
}
