// SPDX-License-Identifier: Apache-2.0

import CGPGME
package import Model
package import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

/// Verifies detached signatures against exactly the given keys: a home directory of its own, no agent, no keyserver, no
/// trust database, and nothing of the user's keyring.
///
/// Blocks; made, used and freed by one job. Costs one run of `gpg --version` when it is made and one of `gpg --verify`
/// for each document.
package final class Verifier {
    /// How far in the future a signature may be dated: what clocks differ by, in seconds.
    package static let clockSkew: Int64 = 600

    let keys: KeyRing
    let context: EngineContext
    private var engineTime: Timestamp?

    /// Sets up a home with these keys.
    ///
    /// - Parameters:
    ///   - publicKeys: armored (or raw) blocks of public keys.
    ///   - expecting: the fingerprints of all primary keys that must be in them.
    ///   - limit: the most bytes that one block may have.
    /// - Throws: `SIGNATURE` if there is one key more or less, or the engine does not run.
    package convenience init(
        publicKeys: [[UInt8]],
        expecting: Set<Fingerprint>,
        limit: Int = PublicKeyBlock.sizeLimit
    ) throws(RootcellarError) {
        try self.init(publicKeys: publicKeys, expecting: expecting, limit: limit, program: nil, directory: nil)
    }

    /// - Parameters:
    ///   - program: the path of gpg, looked up if nil.
    ///   - directory: where to put the home, a short path if nil.
    init(
        publicKeys: [[UInt8]],
        expecting: Set<Fingerprint>,
        limit: Int = PublicKeyBlock.sizeLimit,
        program: FilePath?,
        directory: FilePath?
    ) throws(RootcellarError) {
        keys = try KeyRing(blocks: publicKeys, subject: "public keys", limit: limit)
        let found = Set(keys.primaries)
        if let extra = found.subtracting(expecting).min() {
            throw RootcellarError(
                .signature,
                "the public keys hold one that is not expected",
                subject: extra.description,
                hint: "give a file with exactly the pinned keys"
            )
        }
        if let missing = expecting.subtracting(found).min() {
            throw RootcellarError(.signature, "an expected public key is missing", subject: missing.description)
        }
        let home = try PrivateDirectory(below: directory)
        try home.write(keys.bytes, to: "pubring.gpg")
        try home.write(Array(Self.options.utf8), to: "gpg.conf")
        context = try EngineContext(home: home, program: program, subject: "public keys")
    }

    /// No weak hash, no trust database, no lock files, no agent, no network. Sources: gpg(1), and what the engine was
    /// seen to do without them.
    private static let options = """
        no-autostart
        no-auto-check-trustdb
        trust-model always
        weak-digest SHA1
        lock-never
        no-random-seed-file
        disable-dirmngr
        no-auto-key-retrieve
        no-auto-key-locate

        """

    /// Verifies `message` by the acceptance rule: every signature in `signatures` is of the accepted form
    /// (`SignaturePackets`); none is bad, expired or by a revoked or expired key; those by keys outside of the given
    /// ones do not count; and different primary keys out of `allowed` made at least `threshold` of them.
    ///
    /// - Parameters:
    ///   - now: the clock to judge by: the local one, or a later floor that is known to have passed.
    ///   - subject: what is verified, for messages.
    /// - Returns: the signatures that count, one for each primary key, the newest if a key signed twice.
    /// - Throws: `SIGNATURE`; `CLOCK` for a signature dated more than `clockSkew` seconds in the future.
    package func verify(
        _ message: [UInt8],
        signatures: [UInt8],
        by allowed: Set<Fingerprint>,
        threshold: Int,
        now: Timestamp,
        subject: String
    ) throws(RootcellarError) -> [AcceptedSignature] {
        let checked = try SignaturePackets.check(signatures, subject: subject)
        return try verify(
            EngineData(message),
            seconds: EngineContext.deadline,
            checked,
            allowed,
            threshold,
            now,
            subject
        )
    }

    /// Verifies a whole file without reading it into memory; its read position is changed.
    ///
    /// Parameters, result and errors as for `verify(_:…)`.
    package func verify(
        file: FileDescriptor,
        signatures: [UInt8],
        by allowed: Set<Fingerprint>,
        threshold: Int,
        now: Timestamp,
        subject: String
    ) throws(RootcellarError) -> [AcceptedSignature] {
        let checked = try SignaturePackets.check(signatures, subject: subject)
        let size: Int64
        do {
            size = try file.seek(offset: 0, from: .end)
            try file.seek(offset: 0, from: .start)
        } catch {
            throw RootcellarError(.signature, "cannot be read (\(error))", subject: subject)
        }
        // Hashing runs at some hundred MB/s; a disk may be slower.
        let seconds = EngineContext.deadline + Int(clamping: size / (16 << 20))
        return try verify(EngineData(file), seconds: seconds, checked, allowed, threshold, now, subject)
    }

    private func verify(
        _ message: EngineData,
        seconds: Int,
        _ checked: SignaturePackets.Checked,
        _ allowed: Set<Fingerprint>,
        _ threshold: Int,
        _ now: Timestamp,
        _ subject: String
    ) throws(RootcellarError) -> [AcceptedSignature] {
        try setEngineTime(now)
        let signature = try EngineData(checked.bytes)
        try context.perform("cannot verify", subject: subject, seconds: seconds) { raw in
            unsafe gpgme_op_verify(raw.pointer, signature.raw, message.raw, nil)
        }
        let found = context.verifyResult()
        // Success with fewer signatures than were handed over is what a signature of another form looks like.
        guard found.count == checked.count else {
            throw RootcellarError(
                .signature,
                "gpg saw \(found.count) signatures where there are \(checked.count)",
                subject: subject,
                hint: found.isEmpty ? "check that 'gpg --version' works" : nil
            )
        }
        let judge = SignatureJudge(keys: keys, allowed: allowed, now: now, subject: subject)
        return try judge.accept(found, threshold: threshold)
    }

    /// gpg judges the expiry of keys by its own clock. Where `now` is a floor because that clock is behind, it is told.
    func setEngineTime(_ now: Timestamp) throws(RootcellarError) {
        let clock = Timestamp(seconds: Int64(time(nil)))
        let wanted = now.seconds > clock.seconds + 60 && now.seconds < Int64(UInt32.max) ? now : nil
        guard wanted != engineTime else { return }
        let fake = wanted.map { "faked-system-time \($0.seconds)!\n" } ?? ""
        try context.home.write(Array((Self.options + fake).utf8), to: "gpg.conf")
        engineTime = wanted
    }
}
