// SPDX-License-Identifier: Apache-2.0

import Builder
import FoundationEssentials
import SystemPackage
import TestSupport

/// The program under test, which lies where the tests' own program does.
func sandboxProgram() throws -> FilePath {
    var directory = FilePath(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        .removingLastComponent()
    // Tests are executed from beside the products, or by a helper that gives the test bundle's path.
    for argument in CommandLine.arguments where argument.contains(".xctest") {
        directory = FilePath(argument).removingLastComponent()
    }
    return directory.appending("rootcellar-sandbox")
}

/// Makes a root that has a shell: the host's, bound read-only to its place by copying only links. Small, and enough for
/// scripts.
func makeRoot(at root: FilePath) async throws {
    let script = """
        set -e
        mkdir -p "$1/etc" "$1/usr/bin" "$1/usr/sbin" "$1/root"
        ln -s usr/bin "$1/bin"; ln -s usr/sbin "$1/sbin"; ln -s usr/lib "$1/lib"; ln -s usr/lib64 "$1/lib64"
        for name in sh ls cat env sleep mount umount touch hostname id readlink setsid kill ps true mknod; do
            path="$(command -v "$name" || true)"
            case "$path" in
            /*) ;;
            *) path="/usr/bin/$name" ;;
            esac
            [ -e "$path" ] || continue
            cp -L "$path" "$1/usr/bin/$name"
            ldd "$path" 2>/dev/null | sed -n 's/.*=> \\(\\/[^ ]*\\) .*/\\1/p; s/^[[:space:]]*\\(\\/[^ ]*\\) .*/\\1/p' |
            while read -r library; do
                target="$1/usr/${library#/usr/}"
                case "$library" in /usr/*) ;; *) target="$1/usr$library" ;; esac
                mkdir -p "${target%/*}"
                [ -e "$target" ] || cp -L "$library" "$target"
            done
        done
        """
    let result = try await runProgram("/bin/sh", ["-c", script, "sh", root.string])
    guard result.status == 0 else { throw RootFailure(text: result.errors) }
}

struct RootFailure: Error {
    var text: String
}

/// Runs a script in a sandbox around `root`.
func runInside(
    _ root: FilePath,
    _ script: String,
    options: [String] = [],
    environment: [String: String] = [:]
) async throws -> ProgramResult {
    let file = FilePath("\(root.string).script-\(UInt32.random(in: 0 ... .max))")
    try Data(script.utf8).write(to: URL(filePath: file.string))
    defer { removeTree(file) }
    return try await runProgram(
        sandboxProgram().string,
        ["run", "--root", root.string, "--hostname", "fixed", "--setenv", "PATH=/usr/bin:/bin"] + options
            + ["--script", file.string],
        environment: environment
    )
}
