// SPDX-License-Identifier: Apache-2.0

import Definition
import Model
import Testing

@Suite struct TargetTests {
    /// `before` and `after` of a piece, and the compatibility levels it belongs to.
    static let levels: [(before: Int, after: Int, levels: [Int])] = [
        (0, 0, [1, 2, 3, 4, 5]), (5, 0, [1, 2, 3, 4]), (0, 4, [5]), (1, 0, []), (3, 0, [1, 2]), (0, 2, [3, 4, 5]),
        (5, 2, [3, 4]), (2, 1, []), (3, 3, [1, 2, 4, 5]), (2, 4, [1, 5]), (1, 5, []), (0, 5, []),
        (0, 6, [1, 2, 3, 4, 5]),
        (9, 0, [1, 2, 3, 4, 5]), (5, 5, [1, 2, 3, 4]),
    ]

    @Test(arguments: levels.indices) func piecesGoToTheirLevels(_ index: Int) throws {
        let row = Self.levels[index]
        let text =
            Samples.minimal + """
                targets:
                  lxc:
                    config:
                    - {type: system, before: \(row.before), after: \(row.after), content: x}

                """
        let files = try Samples.load(text).definition.lxcConfig(.build(.container))
        #expect(
            files == Dictionary(uniqueKeysWithValues: row.levels.map { ($0 == 5 ? "config" : "config.\($0)", "x\n") })
        )
    }

    @Test func typesChooseTheFileAndOrderIsKept() throws {
        let text =
            Samples.minimal + """
                targets:
                  lxc:
                    config:
                    - {type: all, before: 5, content: old}
                    - {type: user, before: 5, content: old-user}
                    - {type: all, after: 4, content: common}
                    - {type: user, after: 4, content: userns}
                    - {type: all, content: "arch {{ image.architecture_personality }}"}
                    - {type: al, content: never}
                    - {type: all, types: [vm], content: machine}
                    - {type: system, after: 4, content: "two\\n"}

                """
        let (resolved, warnings) = try Samples.load(text)
        let files = try resolved.lxcConfig(.build(.container))
        #expect(files["config"] == "common\narch linux64\ntwo\n")
        #expect(files["config-user"] == "common\nuserns\narch linux64\n")
        #expect(files["config.2"] == "old\narch linux64\n")
        #expect(files["config-user.4"] == "old\nold-user\narch linux64\n")
        #expect(files.count == 10)
        #expect(warnings == ["f.yaml:15:7: config type 'al' is ignored; did you mean 'all'?"])
    }

    static let expiries: [(text: String, seconds: Int64?)] = [
        ("30d", 2_592_000), ("1w3d", 864_000), ("1w 3d", 864_000), ("1d12h", 129_600), ("90s", 90), ("5m", 300),
        ("2h 1m 1s", 7261), (" 7d ", 604_800), ("0d", 0), ("d", nil), ("30", nil), ("30 days", nil), ("1y", nil),
        ("-1d", nil), ("9223372036854775807w", nil), ("99999999999999999999d", nil), ("1.5d", nil), ("never", nil),
    ]

    @Test(arguments: expiries.indices) func expiriesAreSums(_ index: Int) throws {
        let row = Self.expiries[index]
        let (resolved, warnings) = try Samples.load(Samples.minimal, ["image.expiry=\(row.text)"])
        #expect(resolved.expirySeconds == row.seconds ?? 2_592_000)
        #expect(
            warnings
                == (row.seconds == nil ? ["-o image.expiry: expiry '\(row.text)' is not understood, 30d is used"] : [])
        )
    }

    static let sizes: [(text: String, bytes: UInt64?)] = [
        ("4294967296", 4 << 30), ("8GiB", 8 << 30), ("8 GiB", 8 << 30), ("1kB", 1000), ("3MB", 3_000_000), ("5B", 5),
        ("", 4 << 30), ("16EiB", nil), ("GiB", nil), ("1.5GiB", nil), ("-1", nil), ("8gib", nil),
    ]

    @Test(arguments: sizes.indices) func sizesHaveUnits(_ index: Int) throws {
        let row = Self.sizes[index]
        let option = "targets.incus.vm.size=\(row.text)"
        guard let bytes = row.bytes else {
            #expect(Samples.refusal(Samples.minimal, [option])?.errorClass == .usage)
            return
        }
        #expect(try Samples.load(Samples.minimal, [option]).definition.definition.targets.incus.vmSize == bytes)
    }
}
