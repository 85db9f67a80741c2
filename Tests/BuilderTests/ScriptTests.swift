// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage
import TestSupport
import Testing

@testable import Builder

@Suite("Scripts of a definition", .scratchDirectory)
struct ScriptTests {
    @Test("a failing script is named with trigger, place, status and the last lines it printed")
    func failure() async throws {
        let root = ScratchDirectory.path.appending("root")
        try await makeRoot(at: root)
        let log = try BuildLog(ScratchDirectory.path.appending("build.log")) { _ in }
        let runner = ScriptRunner(
            sandbox: Sandbox(program: try sandboxProgram(), root: root, output: log.descriptor),
            log: log,
            directory: ScratchDirectory.path,
            environment: ["PATH": "/bin", "NAME": "value"]
        )
        try runner.run(
            "#!/bin/sh\n[ \"$NAME\" = value ] && [ \"$PWD\" = / ]\n",
            trigger: "post-files",
            place: "d.yaml:1:1"
        )
        let text = "#!/bin/sh\ni=1; while [ $i -le 40 ]; do echo line $i; i=$((i+1)); done\necho last >&2\nexit 9\n"
        #expect {
            try runner.run(text, trigger: "post-unpack", place: "d.yaml:12:3")
        } throws: { error in
            guard let error = error as? RootcellarError else { return false }
            return error.errorClass == .build && error.subject == "d.yaml:12:3"
                && error.reason.hasPrefix("a script of post-unpack ended with status 9; it printed: line 22 | line 23")
                && error.reason.hasSuffix("line 40 | last")
        }
    }

    @Test("the environment is the list's and the definition's, whose words win")
    func environment() {
        let epoch = Timestamp(seconds: 42)
        let usual = ScriptEnvironment.variables(clearDefaults: false, variables: [], epoch: epoch, proxy: nil)
        #expect(
            Set(usual.keys) == ["PATH", "SHELL", "TERM", "DEBIAN_FRONTEND", "HOME", "LANG", "SOURCE_DATE_EPOCH"]
        )
        #expect(usual["SOURCE_DATE_EPOCH"] == "42")
        let own = ScriptEnvironment.variables(
            clearDefaults: true,
            variables: [("PATH", "/x"), ("A", "1"), ("A", "2")],
            epoch: epoch,
            proxy: "http://p"
        )
        #expect(
            own == [
                "PATH": "/x", "A": "2", "HOME": "/root", "LANG": "C.UTF-8", "SOURCE_DATE_EPOCH": "42",
                "http_proxy": "http://p", "https_proxy": "http://p",
            ]
        )
    }
}
