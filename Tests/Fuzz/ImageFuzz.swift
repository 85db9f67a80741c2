// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// What an image directory brings to be tested and published.
enum ImageFuzz {
    static let instances = [
        """
        architecture: amd64
        creation_date: 1700000000
        expiry_date: 1800000000
        properties:
          os: debian
        templates:
          /etc/hostname:
            when: [create, copy]
            template: hostname.tpl
        """,
        "architecture: &a x\nproperties: {a: *a}\ncreation_date: -9223372036854775808\n",
    ].map { Array($0.utf8) }

    static func instance(_ bytes: [UInt8]) {
        do throws(RootcellarError) {
            _ = try InstanceMetadata(text(bytes))
        } catch {
            precondition(error.errorClass == .meta, "refused metadata is META: \(error)")
        }
    }

    private static let hash = String(repeating: "ab", count: 32)
    static let reports = [
        """
        {"files":{"rootfs.tar.xz":"\(hash)"},"format":1,"host":{"kernel":"6.1"},"image":{"sha256":"\(hash)","size":5},\
        "milliseconds":9000,"name":"debian/bookworm/amd64/default","serial":"20260101_00:00",\
        "started":"2026-01-01T00:00:00Z","tar":"\(hash)","trials":[{"checks":[{"detail":"x","milliseconds":9,"name":"boot",\
        "outcome":"passed"}],"milliseconds":10,"name":"lxc","outcome":"passed","program":"LXC 5"}]}
        """
    ].map { Array($0.utf8) }

    static func report(_ bytes: [UInt8]) {
        guard let report = try? TestReport(verified: bytes, subject: "fuzz") else { return }
        precondition(report.hasPassed == (report.fault == nil), "whoever has not passed has a fault")
        guard let again = try? report.canonicalBytes(), let same = try? TestReport(verified: again, subject: "fuzz")
        else { preconditionFailure("a report that is read can be written") }
        precondition(same.trials == report.trials, "and read again")
    }
}
