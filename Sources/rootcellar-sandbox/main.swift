// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Writes to standard error without the buffers of the C library, which another process would inherit.
func complain(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
        _ = unsafe write(2, bytes.baseAddress, bytes.count)
    }
}

/// The text in a fixed array of characters, as C structures have them.
func text<Field>(_ field: Field) -> String {
    unsafe withUnsafeBytes(of: field) { bytes in
        unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
}

/// unshare(2) of a user namespace refuses a process with more than one thread, and of a mount namespace would move one
/// thread alone; so this program never starts a second, and says so if a library did.
let threads = clinux_thread_count()
guard threads == 1 else {
    complain("rootcellar-sandbox: cannot run with \(threads) threads\n")
    exit(CLINUX_SANDBOX_FAILED)
}

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments.first == "--help" {
    complain(SandboxCommand.usage)
    exit(0)
}
do {
    let command = try SandboxCommand(arguments)
    var failure = clinux_failure()
    let status = unsafe clinux_sandbox_run(command.plan, &failure)
    if status >= 0 { exit(status) }
    let subject = text(failure.subject)
    let reason = unsafe String(cString: strerror(failure.error))
    let stage = text(failure.stage)
    complain("rootcellar-sandbox: cannot \(stage)\(subject.isEmpty ? "" : " '\(subject)'"): \(reason)\n")
    exit(CLINUX_SANDBOX_FAILED)
} catch {
    complain("rootcellar-sandbox: \(error.reason)\n\(SandboxCommand.usage)")
    exit(2)
}
