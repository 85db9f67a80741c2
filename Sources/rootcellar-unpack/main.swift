// SPDX-License-Identifier: Apache-2.0

import Archive
import Glibc
import Model

// The confined half of a container's creation. Its uses, each a process of its own:
//
//     rootcellar-unpack decode xz|zstd|gzip BYTES [RATIO]
//                                                       descriptor 0 (compressed) to 1 (at most BYTES of tar)
//     rootcellar-unpack patch BYTES                     patch on 0 and old tar on 3 to the new tar on 1; both have BYTES
//     rootcellar-unpack extract [--entries N --bytes N] [--newest SECONDS] [--set TOKEN=VALUE]... [--expand PATH]...
//                                                       tar on descriptor 0 into the directory on descriptor 3
//     rootcellar-unpack clone [--set TOKEN=VALUE]... [--expand PATH]...
//                                                       the tree on descriptor 4 into the directory on descriptor 3
//     rootcellar-unpack probe decode|extract|clone      tries what it must not do, for tests
//
// Everything a process could do besides is given up before the first byte is read. What was wrong goes to standard
// error as one line, and the exit status is that of its class.

let arguments = Array(CommandLine.arguments.dropFirst())
do throws(RootcellarError) {
    // The runtime finds them through /proc.
    if CommandLine.arguments.isEmpty {
        throw RootcellarError(.policy, "the unpacker cannot read its command line", hint: "is /proc mounted?")
    }
    try confine()
    switch arguments.first {
    case "decode": try decode(Array(arguments.dropFirst()))
    case "patch": try patch(Array(arguments.dropFirst()))
    case "probe": try probe(Array(arguments.dropFirst()))
    case "clone": try clone(Array(arguments.dropFirst()))
    case "extract": try extract(Array(arguments.dropFirst()))
    default: throw RootcellarError(.usage, "rootcellar-unpack is run by rootcellar, not by hand")
    }
    exit(0)
} catch {
    report(error)
    exit(error.errorClass.exitStatus)
}
