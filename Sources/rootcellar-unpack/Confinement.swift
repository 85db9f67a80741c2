// SPDX-License-Identifier: Apache-2.0

import Archive
import CLinux
import Glibc
import Model
import SystemPackage

/// The most memory, in bytes of address space: any sane dictionary or window fits, a bomb does not.
private let memoryLimit: UInt64 = 768 << 20
/// The most processor time, in seconds.
private let timeLimit: UInt64 = 1800

/// What both uses begin with.
func confine() throws(RootcellarError) {
    signal(SIGPIPE, SIG_IGN)
    umask(0)
    let threads = clinux_thread_count()
    if threads < 1 {
        throw RootcellarError(.policy, "the unpacker cannot count its threads", hint: "is /proc mounted?")
    }
    guard threads == 1 else {
        throw RootcellarError(.internal, "more than one thread before confinement")
    }
    try step("die with the parent") { clinux_die_with_parent(getppid()) }
}

/// Gives up everything but reading one descriptor and writing another.
///
/// - Parameters:
///   - mapped: bytes of files that will be mapped.
///   - fileSize: the most bytes that a file may have to which it writes.
func confineToDescriptors(mapped: Int = 0, fileSize: Int = 0) throws(RootcellarError) {
    try step("limit itself") { clinux_limit(memoryLimit + UInt64(mapped), UInt64(fileSize), 16, timeLimit) }
    try step("drop its capabilities") { clinux_drop_capabilities(0) }
    try step("filter its system calls") { min(clinux_filter_system_calls(0), 0) }
}

/// Gives up everything but changing files below `root`, which becomes the root directory.
///
/// - Parameter copying: whether files are copied from a directory that is open already.
func confine(toDirectory root: CInt, fileSize: Int, copying: Bool = false) throws(RootcellarError) {
    // No loader, locale or name service is needed after this point, so nothing of the image is ever loaded.
    // Inside some containers nobody may make a namespace; then the filter alone keeps the process from the network.
    let isAlone = clinux_leave_namespaces() == 0
    let whyNot = errno
    try step("enter the rootfs") { clinux_enter_root(root) }
    try step("limit itself") { clinux_limit(memoryLimit, UInt64(fileSize), copying ? 256 : 32, timeLimit) }
    try step("drop its capabilities") { clinux_drop_capabilities(1) }
    var isFiltered = false
    try step("filter its system calls") {
        let result = clinux_filter_system_calls(copying ? 2 : 1)
        isFiltered = result == 0
        return min(result, 0)
    }
    guard isAlone || isFiltered else {
        throw RootcellarError(.policy, "the unpacker cannot leave the network (error \(whyNot))")
    }
}

/// `probe decode|extract|clone`: confines itself as for that use and says, line by line, what happens to system calls that it
/// has no business with: their names and error numbers.
func probe(_ words: [String]) throws(RootcellarError) {
    if words == ["extract"] || words == ["clone"] {
        try confine(toDirectory: 3, fileSize: 0, copying: words == ["clone"])
    } else {
        try confineToDescriptors()
    }
    var index: CInt = 0
    var code: CInt = 0
    while let name = unsafe clinux_attempt(index, &code) {
        let line = Array("\(unsafe String(cString: name)) \(code)\n".utf8)
        try? writeAll(.standardOutput, unsafe line.span.bytes)
        index += 1
    }
}

private func step(_ what: String, _ call: () -> CInt) throws(RootcellarError) {
    guard call() != 0 else { return }
    let code = errno
    throw RootcellarError(
        .policy,
        "the unpacker cannot \(what) (error \(code))",
        hint: "run as root, or as the root of a user namespace as lxc-create does"
    )
}
