// SPDX-License-Identifier: Apache-2.0

import CGPGME
import Model
import SystemPackage

/// One gpgme context on one home directory: made, used and freed by one job.
@safe
final class EngineContext {
    /// Where the engine keeps its files, and nothing of the user's.
    let home: PrivateDirectory
    /// Seconds that one engine process may take, the reading of big files not counted.
    static let deadline = 8
    /// What `gpg --version` said.
    private(set) var programVersion = ""
    private let raw: EngineHandle
    private let program: FilePath
    private let unlocking: Unlocking

    /// Makes a context on `home`, which must already hold what the engine needs.
    ///
    /// - Parameters:
    ///   - program: the path of gpg; looked up if nil.
    ///   - keys: somebody's own GnuPG home to work in; then `home` is only what processes are known by.
    ///   - unlock: who tells passphrases.
    /// - Throws: `SIGNATURE` if the engine is missing, hangs or is too old.
    init(
        home: PrivateDirectory,
        program: FilePath?,
        keys: FilePath? = nil,
        unlock: KeyUnlock = .nobody,
        subject: String
    ) throws(RootcellarError) {
        try OpenPGPEngine.check()
        let found: FilePath
        if let program { found = program } else { found = try OpenPGPEngine.findProgram() }
        self.home = home
        self.program = found
        unlocking = Unlocking(unlock)
        // By this link the home stands in the arguments of every process we start, see EngineProcesses.
        let link = home.path.appending("gpg")
        try home.link("gpg", to: found)
        let directory = home.path
        var context: gpgme_ctx_t?
        let (code, late) = Watchdog.watch(
            seconds: Self.deadline,
            action: { EngineProcesses.kill(naming: directory, orAsking: found) },
            {
                let code = unsafe gpgme_new(&context)
                guard gpgme_err_code(code) == GPG_ERR_NO_ERROR else { return code }
                return unsafe gpgme_ctx_set_engine_info(
                    context,
                    GPGME_PROTOCOL_OpenPGP,
                    link.string,
                    (keys ?? directory).string
                )
            }
        )
        guard let context = unsafe context else {
            throw Self.failure(code, late: late, "cannot start gpg", subject: subject)
        }
        raw = unsafe EngineHandle(pointer: context)
        let info = unsafe gpgme_ctx_get_engine_info(context)
        programVersion = unsafe info?.pointee.version.map { unsafe String(cString: $0) } ?? ""
        try check(code, late: late, "cannot start gpg", subject: subject)
        guard !late, OpenPGPEngine.isVersion(programVersion, atLeast: OpenPGPEngine.minimumProgram) else {
            throw RootcellarError(
                .signature,
                late
                    ? "gpg did not answer within \(Self.deadline) seconds"
                    : "gpg does not work, or is older than \(OpenPGPEngine.minimumProgram)",
                subject: found.string,
                hint: "check 'gpg --version' and the package gnupg"
            )
        }
        unsafe gpgme_set_offline(raw.pointer, 1)
        unsafe gpgme_set_armor(raw.pointer, 1)
        unsafe gpgme_set_textmode(raw.pointer, 0)
        unlocking.install(raw)
    }

    deinit { unsafe gpgme_release(raw.pointer) }

    /// Calls one operation of gpgme, and ends the engine if it takes longer than `seconds`.
    ///
    /// - Throws: `SIGNATURE` with gpgme's own words if the operation fails.
    func perform(
        _ what: String,
        subject: String,
        seconds: Int = deadline,
        _ operation: (EngineHandle) -> gpgme_error_t
    ) throws(RootcellarError) {
        let directory = home.path
        let target = raw
        let (code, late) = Watchdog.watch(
            seconds: seconds,
            action: {
                target.cancel()
                EngineProcesses.kill(naming: directory)
            },
            { operation(raw) }
        )
        guard late || gpgme_err_code(code) != GPG_ERR_NO_ERROR else { return }
        if !late, unlocking.wasAsked, let locked = lockedKey(what, code, subject: subject) { throw locked }
        try check(code, late: late, what, subject: subject, seconds: seconds)
    }

    /// What is said where a key stayed locked; nil where that was not what was wrong.
    private func lockedKey(_ what: String, _ code: gpgme_error_t, subject: String) -> RootcellarError? {
        switch gpgme_err_code(code) {
        case GPG_ERR_BAD_PASSPHRASE, GPG_ERR_CANCELED, GPG_ERR_NO_PASSPHRASE, GPG_ERR_FULLY_CANCELED:
            let isGiven = unlocking.isGiven
            return RootcellarError(
                .signature,
                isGiven ? "\(what): the passphrase is wrong" : "\(what): the key has a passphrase, and nobody gave it",
                subject: subject,
                hint: isGiven
                    ? "give the right one by --passphrase-file" : "give --passphrase-file FILE, or work on a terminal"
            )
        default: return nil
        }
    }

    private func check(
        _ code: gpgme_error_t,
        late: Bool,
        _ what: String,
        subject: String,
        seconds: Int = deadline
    ) throws(RootcellarError) {
        if late || gpgme_err_code(code) != GPG_ERR_NO_ERROR {
            throw Self.failure(code, late: late, what, subject: subject, seconds: seconds)
        }
    }

    private static func failure(
        _ code: gpgme_error_t,
        late: Bool,
        _ what: String,
        subject: String,
        seconds: Int = deadline
    ) -> RootcellarError {
        if late {
            return RootcellarError(
                .signature,
                "\(what): gpg did not answer within \(seconds) seconds and was ended",
                subject: subject,
                hint: "check that 'gpg --version' works, and that no pinentry or token waits"
            )
        }
        let isMissing = gpgme_err_code(code) == GPG_ERR_INV_ENGINE
        return RootcellarError(
            .signature,
            "\(what): \(isMissing ? "gpg is missing or does not run" : errorText(code))",
            subject: subject,
            hint: isMissing ? "install the package gnupg" : advice(code)
        )
    }

    /// What to do about a secret key that cannot be used.
    private static func advice(_ code: gpgme_error_t) -> String? {
        switch gpgme_err_code(code) {
        case GPG_ERR_NO_SECKEY, GPG_ERR_UNUSABLE_SECKEY:
            "the secret key is not here: use the machine or the token that has it"
        case GPG_ERR_CARD, GPG_ERR_CARD_NOT_PRESENT, GPG_ERR_CARD_REMOVED, GPG_ERR_NO_SCDAEMON, GPG_ERR_ENODEV:
            "insert the token, and check 'gpg --card-status'"
        case GPG_ERR_BAD_PIN, GPG_ERR_PIN_BLOCKED:
            "the token does not take this PIN: check 'gpg --card-status' before the next try"
        case GPG_ERR_BAD_PASSPHRASE, GPG_ERR_CANCELED, GPG_ERR_FULLY_CANCELED, GPG_ERR_NO_PASSPHRASE,
            GPG_ERR_NO_PIN_ENTRY, GPG_ERR_TIMEOUT:
            "unlock the key: give --passphrase-file FILE, or answer gpg-agent's question on a terminal"
        default: nil
        }
    }
}

/// gpgme's words for an error.
func errorText(_ code: gpgme_error_t) -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    _ = unsafe buffer.withUnsafeMutableBufferPointer { unsafe gpgme_strerror_r(code, $0.baseAddress, $0.count) }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// A context's pointer. It crosses to the watchdog's thread for the one call that gpgme allows from another thread; the
/// context outlives that thread, which is joined first.
@safe
struct EngineHandle: @unchecked Sendable {
    let pointer: gpgme_ctx_t

    @unsafe init(pointer: gpgme_ctx_t) { unsafe self.pointer = pointer }

    func cancel() { _ = unsafe gpgme_cancel_async(pointer) }
}
