// SPDX-License-Identifier: Apache-2.0

import Model

/// Checks that armored signatures stand there just as they were written: what no signature or checksum covers (blanks at
/// the end of a line, empty lines) is not changed either.
///
/// - Throws: `SIGNATURE`.
func requireTidy(_ armored: [UInt8], subject: String) throws(RootcellarError) {
    func fault(_ why: String) -> RootcellarError {
        RootcellarError(.signature, "the signature \(why)", subject: subject)
    }
    guard armored.last == 0x0A else { throw fault("has no line feed at its end") }
    var previous: ArraySlice<UInt8> = []
    for line in armored.dropLast().split(separator: 0x0A, omittingEmptySubsequences: false) {
        guard line.allSatisfy({ (0x20..<0x7F).contains($0) }), line.last != 0x20 else {
            throw fault("has stray bytes in it")
        }
        guard !line.isEmpty || previous.starts(with: Array("-----BEGIN ".utf8)) else {
            throw fault("has a stray empty line in it")
        }
        previous = line
    }
}
