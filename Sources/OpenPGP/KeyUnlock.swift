// SPDX-License-Identifier: Apache-2.0

import CGPGME

/// Who tells the passphrase of a secret key, or the PIN of a token.
package enum KeyUnlock: Sendable, Hashable {
    /// gpg-agent asks for it by its own pinentry: there is somebody at a terminal.
    case asking
    /// It was given.
    case passphrase([UInt8])
    /// Nobody: what is locked stays locked, and nothing ever waits for an answer.
    case nobody

    /// Seconds for one signature: a token may want to be touched; whoever is asked has to look something up.
    var deadline: Int { self == .asking ? 180 : 30 }
}

/// What gpgme is told when it asks for a passphrase, and whether that helped.
@safe
final class Unlocking {
    private let unlock: KeyUnlock
    /// Whether it was asked for.
    private(set) var wasAsked = false
    /// Whether there was anything to answer.
    var isGiven: Bool { if case .passphrase = unlock { true } else { false } }

    init(_ unlock: KeyUnlock) { self.unlock = unlock }

    /// Tells a context whom to ask; the context must not outlive this object.
    func install(_ context: EngineHandle) {
        guard unlock != .asking else { return }
        _ = unsafe gpgme_set_pinentry_mode(context.pointer, GPGME_PINENTRY_MODE_LOOPBACK)
        unsafe gpgme_set_passphrase_cb(
            context.pointer,
            { hook, _, _, wasBad, descriptor in
                guard let hook = unsafe hook else { return gpgme_error(GPG_ERR_CANCELED) }
                let unlocking = unsafe Unmanaged<Unlocking>.fromOpaque(hook).takeUnretainedValue()
                return unlocking.answer(descriptor, wasBad: wasBad != 0)
            },
            Unmanaged.passUnretained(self).toOpaque()
        )
    }

    private func answer(_ descriptor: CInt, wasBad: Bool) -> gpgme_error_t {
        wasAsked = true
        guard !wasBad, case .passphrase(let secret) = unlock else { return gpgme_error(GPG_ERR_CANCELED) }
        let line = secret + [0x0A]
        let written = unsafe line.withUnsafeBytes { bytes in
            unsafe gpgme_io_writen(descriptor, bytes.baseAddress, bytes.count)
        }
        return written == 0 ? 0 : gpgme_error(GPG_ERR_CANCELED)
    }
}
