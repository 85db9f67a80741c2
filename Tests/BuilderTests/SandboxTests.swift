// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import SystemPackage
import TestSupport
import Testing

/// What a build script sees, and what it must not see. Needs root, as builds inside a namespace are.
@Suite("The sandbox", .scratchDirectory)
struct SandboxTests {
    private var root: FilePath { ScratchDirectory.path.appending("root") }

    @Test("gives a script its own environment and nothing of the caller's")
    func environment() async throws {
        try await makeRoot(at: root)
        let result = try await runInside(
            root,
            "#!/bin/sh\nenv\n",
            options: ["--setenv", "A=1"],
            environment: ["SECRET_TOKEN": "leak"]
        )
        let names = Set(result.output.split(separator: "\n").compactMap { $0.split(separator: "=").first })
        #expect(names == ["PATH", "A", "PWD"] || names == ["PATH", "A", "PWD", "_"] || names == ["PATH", "A"])
        #expect(!result.output.contains("leak"))
    }

    @Test("shows six device nodes and the usual links")
    func devices() async throws {
        try await makeRoot(at: root)
        let result = try await runInside(root, "#!/bin/sh\nls /dev\nls /root/dev 2>/dev/null; : < /dev/null\n")
        #expect(
            result.output.split(separator: "\n").map(String.init) == [
                "fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero",
            ]
        )
        #expect(try FileManager.default.contentsOfDirectory(atPath: root.appending("dev").string).isEmpty)
    }

    @Test("closes every descriptor but the three")
    func descriptors() async throws {
        try await makeRoot(at: root)
        let result = try await runProgram(
            "/bin/sh",
            [
                "-c", "exec 7</etc/passwd 9</etc/group; exec \"$@\"", "sh", sandboxProgram().string, "run", "--root",
                root.string, "--setenv", "PATH=/usr/bin", "--", "/bin/ls", "/proc/self/fd",
            ]
        )
        // ls itself holds one more, on the directory.
        #expect(result.output.split(separator: "\n") == ["0", "1", "2", "3"])
        #expect(result.status == 0)
    }

    @Test("kills what a script leaves running")
    func daemons() async throws {
        try await makeRoot(at: root)
        let mark = "31\(UInt16.random(in: 1000...9999))"
        let result = try await runInside(root, "#!/bin/sh\nsetsid sleep \(mark) &\nexit 3\n")
        #expect(result.status == 3)
        #expect(try await !isRunning("sleep \(mark)"))
    }

    @Test("dies with its caller when the lifeline breaks")
    func lifeline() async throws {
        try await makeRoot(at: root)
        let mark = "32\(UInt16.random(in: 1000...9999))"
        // The writing end of the pipe is held by a process that ends after half a second.
        let command = """
            sleep 0.5 | "$1" run --root "$2" --setenv PATH=/usr/bin --lifeline -- /bin/sleep \(mark)
            """
        let result = try await runProgram("/bin/sh", ["-c", command, "sh", sandboxProgram().string, root.string])
        #expect(result.status == 137)
        #expect(try await !isRunning("sleep \(mark)"))
    }

    @Test("dies with its caller when that is killed")
    func killed() async throws {
        try await makeRoot(at: root)
        let mark = "33\(UInt16.random(in: 1000...9999))"
        let command = """
            "$1" run --root "$2" --setenv PATH=/usr/bin -- /bin/sleep \(mark) & pid=$!
            sleep 0.5; kill -9 $pid; wait $pid; sleep 0.2
            """
        _ = try await runProgram("/bin/sh", ["-c", command, "sh", sandboxProgram().string, root.string])
        #expect(try await !isRunning("sleep \(mark)"))
    }

    @Test("keeps mounts to itself and leaves none")
    func mounts() async throws {
        try await makeRoot(at: root)
        let result = try await runInside(
            root,
            "#!/bin/sh\nmount -t tmpfs none /root && touch /root/inside && ls /root\n"
        )
        #expect(result.output == "inside\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: root.appending("root").string).isEmpty)
        let mounts = try String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)
        #expect(!mounts.contains(root.string))
    }

    @Test("keeps mounts inside the root when its directories are hostile links")
    func hostileLinks() async throws {
        try await makeRoot(at: root)
        let outside = ScratchDirectory.path.appending("outside")
        try FileManager.default.createDirectory(atPath: outside.string, withIntermediateDirectories: false)
        for name in ["dev", "proc", "run", "tmp", "sys"] {
            try FileManager.default.createSymbolicLink(
                atPath: root.appending(name).string,
                withDestinationPath: outside.string
            )
        }
        let result = try await runInside(root, "#!/bin/sh\ntouch /tmp/written\n")
        #expect(result.status != 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: outside.string).isEmpty)
    }

    @Test("makes no device nodes and does not touch the host's settings")
    func machine() async throws {
        try await makeRoot(at: root)
        let result = try await runInside(
            root,
            "#!/bin/sh\nmknod /root/disk b 8 0 || echo refused\necho x > /proc/sys/kernel/domainname || echo fixed\nhostname\n"
        )
        #expect(result.output.split(separator: "\n").first == "refused")
        #expect(result.output.contains("fixed\n"))
    }

    @Test(
        "passes the exit status on",
        arguments: [("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -9 $$", 137), ("kill -15 $$", 143)]
    )
    func status(script: String, status: Int) async throws {
        try await makeRoot(at: root)
        #expect(try await runInside(root, "#!/bin/sh\n\(script)\n").status == status)
    }

    @Test("names the stage that failed")
    func stages() async throws {
        try await makeRoot(at: root)
        let missing = try await runProgram(
            sandboxProgram().string,
            ["run", "--root", "/nonexistent", "--", "/bin/true"]
        )
        #expect(missing.status == 125)
        #expect(
            missing.errors == "rootcellar-sandbox: cannot bind the root '/nonexistent': No such file or directory\n"
        )
        let program = try await runProgram(
            sandboxProgram().string,
            ["run", "--root", root.string, "--", "/no/program"]
        )
        #expect(program.status == 125)
        #expect(program.errors == "rootcellar-sandbox: cannot execute '/no/program': No such file or directory\n")
        let script = try await runInside(root, "echo no interpreter line\n")
        #expect(script.status == 125)
        #expect(script.errors == "rootcellar-sandbox: cannot execute 'the script': Exec format error\n")
        #expect(script.output.isEmpty)
    }

    @Test(
        "refuses a command line that it does not understand",
        arguments: [[], ["run"], ["enter"], ["fly"], ["run", "--root"], ["enter", "--map-user", "1:2"]]
    )
    func misuse(arguments: [String]) async throws {
        let result = try await runProgram(sandboxProgram().string, arguments)
        #expect(result.status == 2)
        #expect(result.errors.contains("usage:"))
    }

    @Test("refuses to run with more than one thread")
    func threads() async throws {
        // A library that starts a thread before the program's own first line.
        let library = ScratchDirectory.path.appending("thread.so")
        let source = ScratchDirectory.path.appending("thread.c")
        let text = """
            #include <pthread.h>
            #include <unistd.h>
            static void *wait_forever(void *nothing) { pause(); return nothing; }
            __attribute__((constructor)) static void start(void) { pthread_t t; pthread_create(&t, 0, wait_forever, 0); }
            """
        try Data(text.utf8).write(to: URL(filePath: source.string))
        let compiled = try await runProgram(
            "clang",
            ["-shared", "-fPIC", "-o", library.string, source.string, "-lpthread"]
        )
        try #require(compiled.status == 0, "\(compiled.errors)")
        let result = try await runProgram(
            sandboxProgram().string,
            ["enter", "--", "/bin/true"],
            environment: ["LD_PRELOAD": library.string]
        )
        #expect(result.status == 125)
        #expect(result.errors == "rootcellar-sandbox: cannot run with 2 threads\n")
    }

    @Test("tells a program that it is inside, and only there")
    func marker() async throws {
        let result = try await runProgram(
            sandboxProgram().string,
            ["enter", "--", "/bin/sh", "-c", "echo \"mnt:[$ROOTCELLAR_NAMESPACE]\"; readlink /proc/self/ns/mnt; umask"]
        )
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 3)
        #expect(lines.first == lines.dropFirst().first)
        #expect(lines.last == "0022")
    }

    @Test("maps ids in a user namespace where nothing of the machine can be changed")
    func userNamespace() async throws {
        let result = try await runProgram(
            sandboxProgram().string,
            [
                "enter", "--map-user", "0:0:1", "--map-user", "1:100000:65535", "--map-group", "0:0:1", "--map-group",
                "1:100000:65535", "--", "/bin/sh", "-c", "cat /proc/self/uid_map; mknod /tmp/never b 8 0; echo $?",
            ]
        )
        let numbers = result.output.split(whereSeparator: \.isWhitespace).map(String.init)
        #expect(numbers == ["0", "0", "1", "1", "100000", "65535", "1"])
    }

    private func isRunning(_ command: String) async throws -> Bool {
        let status = try await runProgram("pgrep", ["-f", "^(/bin/)?\(command)$"]).status
        // More than 1 would be an error of pgrep itself.
        try #require(status <= 1)
        return status == 0
    }
}
