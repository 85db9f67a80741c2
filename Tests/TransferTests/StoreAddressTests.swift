// SPDX-License-Identifier: Apache-2.0

import Model
import Testing

@testable import Transfer

@Suite("The address of a tree in an object store")
struct StoreAddressTests {
    private func address(_ text: String, region: String = "us-east-1") throws -> StoreAddress {
        try StoreAddress(text, endpoint: ServerAddress("https://store.example:9000"), region: region)
    }

    @Test("is a bucket and a prefix, and each object has one URL")
    func urls() throws {
        let tree = try address("s3://images/a/b/")
        #expect(tree.description == "s3://images/a/b")
        #expect(
            tree.url(of: "images/x/20260101_00:00/a+b~")
                == "https://store.example:9000/images/a/b/images/x/20260101_00%3A00/a%2Bb~"
        )
        #expect(
            tree.bucketURL(query: [("prefix", "a/b"), ("list-type", "2"), ("uploads", "")])
                == "https://store.example:9000/images?list-type=2&prefix=a%2Fb&uploads="
        )
        #expect(tree.path(ofKey: "a/b/c") == "c" && tree.path(ofKey: "a/bc") == nil)
        #expect(try address("s3://images").url(of: "x") == "https://store.example:9000/images/x")
    }

    @Test(
        "is refused where it could be another",
        arguments: [
            "s3://", "s3://ab", "s3://Images", "s3://-images", "s3://ima..ges", "s3://images//a", "s3://images/../a",
            "s3://images/a b", "s3://images/a?b", "s3://user@images", "S3://images",
        ]
    )
    func refused(_ text: String) { #expect(throws: RootcellarError.self) { _ = try address(text) } }

    @Test("has a region that is one")
    func region() { #expect(throws: RootcellarError.self) { _ = try address("s3://images", region: "a b") } }

    @Test("comes with credentials whose secret is never shown")
    func credentials() throws {
        let found = try StoreCredentials(environment: {
            ["AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "planted"][$0]
        })
        let one = try #require(found)
        #expect(!"\(one) \(String(reflecting: one))".contains("planted"))
        #expect(try StoreCredentials(environment: { _ in nil }) == nil)
        #expect(throws: RootcellarError.self) {
            _ = try StoreCredentials(environment: { $0 == "AWS_ACCESS_KEY_ID" ? "A" : nil })
        }
        let file = try StoreCredentials(
            file: "# of the store\naws_access_key_id = AKID\naws_secret_access_key = plan=ted\n",
            path: "file"
        )
        #expect(file.secretKey == "plan=ted" && file.sessionToken == nil)
        for text in [
            "aws_access_key_id = A\n", "aws_secret = x\n", "aws_access_key_id = A:B\naws_secret_access_key = planted\n",
        ] {
            let error = #expect(throws: RootcellarError.self) { _ = try StoreCredentials(file: text, path: "file") }
            #expect(error?.description.contains("planted") == false)
        }
    }
}
