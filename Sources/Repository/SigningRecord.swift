// SPDX-License-Identifier: Apache-2.0

import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// The newest versions that a directory of keys has put its name to, kept beside the keys: a tree that was restored from
/// an old backup must not make them sign the same numbers once more.
struct SigningRecord: Document {
    static let title = "record of signed versions"
    var format = documentFormat
    var servers: [String: Versions] = [:]

    /// What was signed for one server.
    struct Versions: Codable, Sendable, Hashable {
        /// The newest manifest that was published.
        var manifest = 0
        /// The newest root document that was signed.
        var root = 0
        /// Its payload.
        var rootHash: SHA256Digest?
    }
}

extension KeyStore {
    private var recordPath: FilePath { directory.appending("signed.json") }

    /// What was signed for a server.
    ///
    /// - Throws: `POLICY` if the record is damaged: it is not begun anew by itself.
    func signed(for server: String) throws(RootcellarError) -> SigningRecord.Versions {
        try readRecord().servers[server] ?? SigningRecord.Versions()
    }

    /// Writes down what has been signed. Another process with the same keys, at another tree, loses nothing by it.
    func record(
        _ server: String,
        _ change: (inout SigningRecord.Versions) -> Void
    ) throws(RootcellarError) {
        let held: FileDescriptor
        do {
            held = try FileDescriptor.open(directory, .readOnly, options: [.directory, .closeOnExec])
        } catch { throw Disk.fault("cannot be opened", directory, error) }
        defer { try? held.close() }
        _ = flock(held.rawValue, LOCK_EX)
        var record = try readRecord()
        let before = record.servers[server] ?? SigningRecord.Versions()
        var next = before
        change(&next)
        guard next != before else { return }
        record.servers[server] = next
        let temporary = directory.appending("signed.json.new")
        try Disk.write(try record.canonicalBytes(), to: temporary, mode: 0o600)
        try Disk.rename(temporary, to: recordPath)
    }

    private func readRecord() throws(RootcellarError) -> SigningRecord {
        guard Disk.exists(recordPath) else { return SigningRecord() }
        do throws(RootcellarError) {
            return try SigningRecord(verified: Disk.read(recordPath, limit: 1 << 20), subject: recordPath.string)
        } catch {
            throw RootcellarError(
                .policy,
                "the record of what these keys have signed is damaged (\(error.reason))",
                subject: recordPath.string,
                hint: "put it back from a copy; whoever removes it lets the keys sign old numbers again"
            )
        }
    }
}
