// SPDX-License-Identifier: Apache-2.0

/// What kind of thing went wrong: the word a user can search the manual for, and the exit status a script can switch
/// on. Names and numbers are published and never change; new classes get new numbers.
package enum ErrorClass: String, Codable, Sendable, CaseIterable {
    /// The command line itself is wrong.
    case usage = "USAGE"
    /// A server could not be reached, or did not speak HTTPS as it must.
    case transport = "TRANSPORT"
    /// A signature is missing, bad, by the wrong key, or of a form that is not accepted.
    case signature = "SIGNATURE"
    /// A server offered something older than what was already seen there.
    case rollback = "ROLLBACK"
    /// What a server offers was true once, but its validity has ended.
    case freeze = "FREEZE"
    /// Signed data does not say what it was asked for: another server, another image, another path.
    case binding = "BINDING"
    /// More or fewer bytes than the signed size.
    case size = "SIZE"
    /// The bytes are not those of the signed hash.
    case hash = "HASH"
    /// An archive breaks the unpacking policy.
    case archive = "ARCHIVE"
    /// An image's LXC metadata asks for something that images may not ask for.
    case meta = "META"
    /// The cache or the remembered state of a server cannot be used.
    case cache = "CACHE"
    /// Our own rules, or the machine's configuration, forbid it.
    case policy = "POLICY"
    /// The local clock and a signer's clock cannot both be right.
    case clock = "CLOCK"
    /// An image definition is wrong.
    case definition = "DEFINITION"
    /// A source of an image (archive, tarball, keyring) is missing or cannot be verified.
    case source = "SOURCE"
    /// A step of a build failed.
    case build = "BUILD"
    /// An image did not pass its tests.
    case test = "TEST"
    /// A published tree is wrong, or could not be changed.
    case repository = "REPOSITORY"
    /// A defect of ours.
    case `internal` = "INTERNAL"

    /// The process exit status of this class.
    package var exitStatus: Int32 {
        switch self {
        case .usage: 2
        case .transport: 10
        case .signature: 11
        case .rollback: 12
        case .freeze: 13
        case .binding: 14
        case .size: 15
        case .hash: 16
        case .archive: 17
        case .meta: 18
        case .cache: 19
        case .policy: 20
        case .clock: 21
        case .definition: 30
        case .source: 31
        case .build: 32
        case .test: 33
        case .repository: 34
        case .internal: 70
        }
    }
}
