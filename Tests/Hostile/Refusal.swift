// SPDX-License-Identifier: Apache-2.0

import SiteSupport
import TestSupport
import Testing

/// Expects a creation to be refused with one line of a class and to leave everything as it was.
func expectRefusal(
    _ host: ClientHost,
    _ server: PublishedServer,
    _ errorClass: String,
    _ status: Int,
    _ cache: Snapshot,
    _ options: String...,
    image: String = "example/one/amd64",
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let creation = try await host.download(server.address, image, options)
    let errors = Comment(rawValue: creation.result.errors)
    #expect(creation.result.status == status, errors, sourceLocation: sourceLocation)
    #expect(
        creation.result.errorLine?.hasPrefix("rootcellar: \(errorClass): ") == true,
        errors,
        sourceLocation: sourceLocation
    )
    #expect(try creation.isUntouched, sourceLocation: sourceLocation)
    #expect(try await host.cacheSnapshot().differences(from: cache) == [], sourceLocation: sourceLocation)
}
