// SPDX-License-Identifier: Apache-2.0

/// A reader of bytes from outside that must take anything: it refuses or it understands, and what it understood has to
/// hold. `make fuzz` gives each to libFuzzer; `make test` feeds each with damaged seeds for a moment.
package enum FuzzTarget: String, CaseIterable, Sendable {
    case envelope, document, shard, signature, publicKey
    case metadata, configuration, container, words
    case name, address, redirect, response, range
    case tar, definition, catalog, attempts, settings
    case instance, report

    /// Inputs that are understood, to begin from.
    package var seeds: [[UInt8]] {
        switch self {
        case .envelope: SignedDocumentFuzz.envelopes
        case .document: SignedDocumentFuzz.documents
        case .shard: SignedDocumentFuzz.shards
        case .signature: SignatureFuzz.signatures
        case .publicKey: SignatureFuzz.keys
        case .metadata: MetadataFuzz.archives
        case .configuration: MetadataFuzz.configurations
        case .container: MetadataFuzz.containers
        case .words: MetadataFuzz.words
        case .name: AddressFuzz.names
        case .address: AddressFuzz.addresses
        case .redirect: AddressFuzz.redirects
        case .response: AddressFuzz.responses
        case .range: AddressFuzz.ranges
        case .tar: TarFuzz.archives
        case .definition: DefinitionFuzz.definitions
        case .catalog: DefinitionFuzz.catalogs
        case .attempts: DefinitionFuzz.attempts
        case .settings: DefinitionFuzz.settings
        case .instance: ImageFuzz.instances
        case .report: ImageFuzz.reports
        }
    }

    /// Reads the bytes, and stops the process if what was read breaks its promise.
    package func run(_ bytes: [UInt8]) {
        switch self {
        case .envelope: SignedDocumentFuzz.envelope(bytes)
        case .document: SignedDocumentFuzz.document(bytes)
        case .shard: SignedDocumentFuzz.shard(bytes)
        case .signature: SignatureFuzz.signature(bytes)
        case .publicKey: SignatureFuzz.publicKey(bytes)
        case .metadata: MetadataFuzz.metadata(bytes)
        case .configuration: MetadataFuzz.configuration(bytes)
        case .container: MetadataFuzz.container(bytes)
        case .words: MetadataFuzz.words(bytes)
        case .name: AddressFuzz.name(bytes)
        case .address: AddressFuzz.address(bytes)
        case .redirect: AddressFuzz.redirect(bytes)
        case .response: AddressFuzz.response(bytes)
        case .range: AddressFuzz.range(bytes)
        case .tar: TarFuzz.tar(bytes)
        case .definition: DefinitionFuzz.definition(bytes)
        case .catalog: DefinitionFuzz.catalog(bytes)
        case .attempts: DefinitionFuzz.attempts(bytes)
        case .settings: DefinitionFuzz.settings(bytes)
        case .instance: ImageFuzz.instance(bytes)
        case .report: ImageFuzz.report(bytes)
        }
    }
}

/// The text of bytes as programs get it.
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
