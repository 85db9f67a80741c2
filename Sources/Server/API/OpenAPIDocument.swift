// SPDX-License-Identifier: Apache-2.0

import Model

/// The description of the API by the OpenAPI Specification 3.0: what is tested is what is said here.
enum OpenAPIDocument {
    /// The document of a server at a base path.
    static func text(_ basePath: BasePath) -> String {
        let paths = [
            ("/images", operation("images", "All images", Self.filters, "Images")),
            ("/images/\(place)", operation("image", "One image", name, "Image")),
            ("/images/\(place)/{serial}", operation("build", "One build", name + [path("serial", serial)], "Build")),
            (
                "/compare/\(place)",
                operation(
                    "compare",
                    "What has changed between two builds",
                    name + [query("from", serial, isRequired: true), query("to", serial, isRequired: true)],
                    "Comparison"
                )
            ),
            (
                "/search",
                operation(
                    "search",
                    "The images whose current build has a package, versions in Debian's order",
                    [query("package", word, isRequired: true)]
                        + ["below", "atLeast", "version"].map { query($0, word) } + filters,
                    "Search"
                )
            ),
            ("/openapi.json", operation("description", "This document", [], "Object")),
        ]
        let all = paths.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",")
        return """
            {"openapi":"3.0.3","info":{"title":"Rootcellar","version":"\(programVersion)"},\
            "servers":[{"url":"\(basePath)/api/1"}],"paths":{\(all)},"components":{"schemas":{\(schemas)}}}

            """
    }

    private static let place = "{distribution}/{release}/{architecture}/{variant}"
    private static let part = #"{"type":"string","pattern":"^[a-z0-9][a-z0-9._+-]{0,63}$"}"#
    private static let serial = #"{"type":"string","pattern":"^[0-9]{8}_[0-9]{2}:[0-9]{2}$"}"#
    private static let word = #"{"type":"string","pattern":"^[!-~]{1,128}$"}"#
    private static let parts = ["distribution", "release", "architecture", "variant"]
    private static let name = parts.map { path($0, part) }
    private static let filters = parts.map { query($0, word) }

    private static func path(_ name: String, _ schema: String) -> String {
        #"{"name":"\#(name)","in":"path","required":true,"schema":\#(schema)}"#
    }

    private static func query(_ name: String, _ schema: String, isRequired: Bool = false) -> String {
        #"{"name":"\#(name)","in":"query","required":\#(isRequired),"schema":\#(schema)}"#
    }

    private static func operation(_ id: String, _ summary: String, _ parameters: [String], _ schema: String) -> String {
        func response(_ description: String, _ schema: String) -> String {
            #"{"description":"\#(description)","content":{"application/json":"#
                + ##"{"schema":{"$ref":"#/components/schemas/\##(schema)"}}}}"##
        }
        return
            #"{"get":{"operationId":"\#(id)","summary":"\#(summary)","parameters":[\#(parameters.joined(separator: ","))],"#
            + #""responses":{"200":\#(response(summary, schema)),"default":\#(response("No answer", "Failure"))}}}"#
    }

    private static func object(_ required: [(String, String)], _ optional: [(String, String)] = []) -> String {
        let properties = (required + optional).map { #""\#($0.0)":\#($0.1)"# }.joined(separator: ",")
        let names = required.map { #""\#($0.0)""# }.joined(separator: ",")
        return #"{"type":"object","additionalProperties":false,"required":[\#(names)],"properties":{\#(properties)}}"#
    }

    private static func list(_ item: String) -> String { #"{"type":"array","items":\#(item)}"# }
    private static func reference(_ name: String) -> String { ##"{"$ref":"#/components/schemas/\##(name)"}"## }
    private static func map(_ value: String) -> String { #"{"type":"object","additionalProperties":\#(value)}"# }

    private static var schemas: String {
        let (text, number) = (#"{"type":"string"}"#, #"{"type":"integer"}"#)
        let time = #"{"type":"string","format":"date-time"}"#
        let package = [("name", text), ("architecture", text), ("version", text)]
        let change = object([("name", text), ("architecture", text), ("from", text), ("to", text)])
        let outcome = #"{"type":"string","enum":["passed","failed","not run"]}"#
        let file = object([("size", number), ("sha256", #"{"type":"string","pattern":"^[0-9a-f]{64}$"}"#)])
        let build = object(
            [("serial", serial), ("tested", #"{"type":"boolean"}"#), ("path", text)],
            [("published", time), ("revoked", text)]
        )
        let all: [(String, String)] = [
            ("Object", #"{"type":"object"}"#), ("Failure", object([("error", text)])),
            (
                "Image",
                object([("name", text)] + parts.map { ($0, text) } + [("builds", list(build))], [("current", serial)])
            ),
            (
                "Images",
                object([
                    ("format", number), ("server", text), ("manifest", number), ("images", list(reference("Image"))),
                ])
            ),
            (
                "Build",
                object(
                    [
                        ("format", number), ("name", text), ("serial", serial), ("summary", text), ("created", time),
                        ("files", map(file)), ("packages", list(object(package, [("source", text)]))),
                        ("taints", list(text)),
                    ],
                    [("tests", map(outcome))]
                )
            ),
            (
                "Comparison",
                object([
                    ("format", number), ("name", text), ("from", serial), ("to", serial),
                    ("added", list(object(package))), ("removed", list(object(package))), ("upgraded", list(change)),
                    ("downgraded", list(change)),
                ])
            ),
            (
                "Search",
                object([
                    ("format", number), ("package", text),
                    (
                        "found",
                        list(object([("image", text), ("serial", serial), ("version", text), ("architecture", text)]))
                    ),
                ])
            ),
        ]
        return all.map { #""\#($0.0)":\#($0.1)"# }.joined(separator: ",")
    }
}
