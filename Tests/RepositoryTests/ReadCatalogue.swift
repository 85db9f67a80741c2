// SPDX-License-Identifier: Apache-2.0

/// The catalogue as a reader of simplestreams decodes it: a value of another type anywhere makes it refuse everything.
struct ReadCatalogue: Decodable {
    struct Product: Decodable {
        var aliases: String
        var arch: String
        var os: String
        var release: String
        var variant: String
        var requirements: [String: String]
        var lxdRequirements: [String: String]
        var versions: [String: Version]
    }
    struct Version: Decodable { var items: [String: Item] }
    struct Item: Decodable, Equatable {
        var ftype: String
        var path: String
        var sha256: String
        var size: Int
        var combinedSha256: String?
        var combinedRootxzSha256: String?
        var combinedSquashfsSha256: String?
        var deltaBase: String?
    }
    var format: String
    var contentId: String
    var datatype: String
    var products: [String: Product]
}

/// The index before it.
struct ReadIndex: Decodable {
    struct Entry: Decodable {
        var datatype: String
        var format: String
        var path: String
        var products: [String]
    }
    var format: String
    var index: [String: Entry]
}
