// SPDX-License-Identifier: Apache-2.0

import Definition
import FoundationEssentials
import Model
import Nightly
import Testing

@Suite("The matrix of a catalogue")
struct MatrixTests {
    @Test func namesImagesAsTheyArePublished() throws {
        let matrix = try Samples.matrix(
            """
            images:
            - definition: d.yaml
              releases: [Trixie]
              architectures: [x86_64, arm64]
              variants: [default, cloud]
              options: [source.suite=x y]
            """
        )
        #expect(
            matrix.images.map(\.name.path) == [
                "debian/trixie/amd64/default", "debian/trixie/amd64/cloud", "debian/trixie/arm64/default",
                "debian/trixie/arm64/cloud",
            ]
        )
        #expect(
            matrix.images[0].buildWords(output: "o") == [
                "x/d.yaml", "-o", "image.release=Trixie", "-o", "image.architecture=x86_64", "-o",
                "image.variant=default", "-o", "source.suite=x y", "--output", "o",
            ]
        )
        // What a build writes down is what is compared.
        let recorded = [
            "definition.sha256": matrix.images[0].inputs.definition.description,
            "override.1": "image.release=Trixie", "override.2": "image.architecture=x86_64",
            "override.3": "image.variant=default", "override.4": "source.suite=x y",
        ]
        #expect(BuildInputs(recorded: recorded) == matrix.images[0].inputs)
        #expect(BuildInputs(recorded: [:]) == nil)
    }

    @Test func leavesOutWhatIsWrongAndNothingElse() throws {
        let matrix = try Samples.matrix(
            """
            images:
            - {definition: missing.yaml, releases: [a], architectures: [amd64]}
            - {definition: broken.yaml, releases: [a, b], architectures: [amd64]}
            - {definition: d.yaml, releases: [a], architectures: [amd64], options: [image.relase=x]}
            - {definition: d.yaml, architectures: [amd64]}
            - {definition: d.yaml, releases: [good], architectures: [amd64]}
            """,
            ["x/d.yaml": Samples.definition, "x/broken.yaml": Samples.definition + "sources: x\n"]
        )
        #expect(matrix.images.map(\.name.release) == ["good"])
        #expect(matrix.faults.allSatisfy { $0.errorClass == .definition })
        #expect(
            matrix.faults.map(\.subject) == ["x/missing.yaml", "x/broken.yaml:7:1", "x/c.yaml:4:3", "x/d.yaml:2:3"]
        )
        #expect(matrix.faults[2].reason.contains("image.relase"), "\(matrix.faults[2])")
    }

    @Test func refusesAnImageThatIsThereTwice() throws {
        do throws(RootcellarError) {
            _ = try Samples.matrix(
                """
                images:
                - {definition: d.yaml, releases: [a], architectures: [amd64, x86_64]}
                """
            )
            Issue.record("accepted")
        } catch {
            #expect(error.errorClass == .definition && error.subject == "x/c.yaml:2:3")
            #expect(error.reason.contains("debian/a/amd64/default is there already, at x/c.yaml:2:3"))
        }
    }

    @Test("of our own catalogue is all there is of most definitions")
    func ours() throws {
        let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let path = "\(root)/builder/catalog.yaml"
        let matrix = try BuildMatrix(
            BuildCatalogFile.load(text: try String(contentsOfFile: path, encoding: .utf8), path: path),
            directory: "\(root)/builder",
            now: Samples.now
        ) { path throws(RootcellarError) in
            guard let data = try? Data(contentsOf: URL(filePath: path)) else {
                throw RootcellarError(.definition, "cannot read", subject: path)
            }
            return Array(data)
        }
        #expect(matrix.faults.map(\.description) == [])
        let names = Set(matrix.images.map(\.name.path))
        for release in ["bookworm", "trixie"] {
            for architecture in ["amd64", "arm64"] {
                for variant in ["default", "cloud"] {
                    #expect(names.contains("debian/\(release)/\(architecture)/\(variant)"))
                }
            }
        }
        for distribution in ["alpine", "archlinux", "ubuntu", "voidlinux", "gentoo", "opensuse", "openwrt"] {
            #expect(names.contains { $0.hasPrefix("\(distribution)/") }, "\(distribution)")
        }
        #expect(names.contains("voidlinux/current/amd64/musl") && names.contains("openwrt/24.10/arm64/default"))
        #expect(matrix.images.allSatisfy { !$0.retention.isUnlimited })
    }

    @Test func choosesByNamesAndMachines() throws {
        let images = try Samples.matrix(
            """
            images:
            - {definition: d.yaml, releases: [trixie], architectures: [amd64, arm64], variants: [default, cloud]}
            - {definition: d.yaml, releases: [sid], architectures: [amd64], labels: [big, fast]}
            """
        ).images
        func chosen(_ pattern: String) throws -> [String] {
            let pattern = try ImagePattern(pattern)
            return images.filter { pattern.matches($0.name) }
                .map { "\($0.name.release) \($0.name.architecture) \($0.name.variant)" }
        }
        #expect(try chosen("debian").count == 5)
        #expect(try chosen("*/*/arm64").count == 2)
        #expect(try chosen("debian/s?d") == ["sid amd64 default"])
        #expect(try chosen("*/t*x*e/amd??/*ou*") == ["trixie amd64 cloud"])
        #expect(try chosen("deb").isEmpty && chosen("debian/trixie/amd64/default").count == 1)
        for text in ["", "a/b/c/d/e", "a//b", "/a"] { #expect(throws: RootcellarError.self) { try ImagePattern(text) } }

        func taken(_ architectures: Set<String>, _ labels: Set<String>) -> Int {
            images.count(where: Machine(architectures: architectures, labels: labels).takes)
        }
        #expect(taken(["amd64"], []) == 2 && taken(["amd64"], ["big"]) == 2)
        #expect(taken(["amd64"], ["big", "fast", "other"]) == 3 && taken(["amd64", "arm64"], []) == 4)
    }
}
