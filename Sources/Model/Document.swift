// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// A JSON document of the published tree: one format number, one canonical way to write it.
package protocol Document: Codable, Sendable {
    /// What the document is called in error messages, as in `pointer`.
    static var title: String { get }
    /// The format number; readers refuse numbers they do not know.
    var format: Int { get }
}

/// The format number of every document that this version writes and reads.
package let documentFormat = 1

extension Document {
    /// Compact JSON with sorted keys, slashes left alone, and a final line feed: the same value always gives the same
    /// bytes, so that hashes of documents can be compared.
    ///
    /// - Throws: `INTERNAL` if the value cannot be written as JSON.
    package func canonicalBytes() throws(RootcellarError) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(self)) + [0x0A]
        } catch {
            throw RootcellarError(.internal, "cannot write a \(Self.title)", subject: String(describing: error))
        }
    }

    /// Reads a document whose bytes were verified before.
    ///
    /// - Throws: `POLICY` if the format is newer than this program, `BINDING` if the document is not well formed.
    package init(verified bytes: [UInt8], subject: String) throws(RootcellarError) {
        let decoder = JSONDecoder()
        let data = Data(bytes)
        do {
            let format = try decoder.decode(FormatOnly.self, from: data).format
            guard format == documentFormat else {
                throw RootcellarError(
                    .policy,
                    "this program is too old for format \(format) of the \(Self.title)",
                    subject: subject,
                    hint: "install a newer version of rootcellar"
                )
            }
            self = try Self.decoded(by: decoder, data)
        } catch let error as RootcellarError {
            throw RootcellarError(error.errorClass, error.reason, subject: subject, hint: error.hint)
        } catch {
            throw RootcellarError(
                .binding,
                "the \(Self.title) is not well formed (\(documentFault(error)))",
                subject: subject
            )
        }
    }
}

extension Document {
    /// A value that refuses itself, as names and fingerprints do, refuses the document: whatever class it would have on a
    /// command line.
    fileprivate static func decoded(by decoder: JSONDecoder, _ data: Data) throws -> Self {
        do {
            return try decoder.decode(Self.self, from: data)
        } catch let error as RootcellarError {
            throw RootcellarError(.binding, "the \(title) is not well formed (\(error.reason): \(error.subject))")
        }
    }
}

private struct FormatOnly: Decodable {
    var format: Int
}

/// A field of a document whose text does not have the form its type demands.
struct DocumentFieldError: Error, CustomStringConvertible {
    var what: String
    var value: String
    var description: String { "\(what): '\(value)'" }
}

/// Where and why decoding failed, without the decoder's internals.
private func documentFault(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return String(describing: error) }
    func place(_ context: DecodingError.Context) -> String {
        context.codingPath.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
    return switch error {
    case .keyNotFound(let key, let context): "'\(key.stringValue)' is missing in '\(place(context))'"
    case .typeMismatch(_, let context), .valueNotFound(_, let context): "wrong type at '\(place(context))'"
    case .dataCorrupted(let context):
        context.codingPath.isEmpty ? "not JSON" : "bad value at '\(place(context))'"
    @unknown default: "unreadable"
    }
}
