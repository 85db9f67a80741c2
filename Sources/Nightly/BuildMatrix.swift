// SPDX-License-Identifier: Apache-2.0

package import Definition
package import Model

/// Every image of a catalogue, by its published name.
package struct BuildMatrix: Sendable {
    /// The images, in the catalogue's order.
    package private(set) var images: [CatalogImage] = []
    /// What is wrong with definitions; their images are missing, and nobody else's.
    package private(set) var faults: [RootcellarError] = []

    /// Expands a catalogue.
    ///
    /// - Parameters:
    ///   - directory: of the catalogue's file; definitions are relative to it. Empty for the current one.
    ///   - read: gives the bytes of a definition; asked once for each path.
    /// - Throws: `DEFINITION` for an image that is there twice.
    package init(
        _ catalog: BuildCatalog,
        directory: String,
        now: Timestamp,
        read: (String) throws(RootcellarError) -> [UInt8]
    ) throws(RootcellarError) {
        var texts: [String: [UInt8]] = [:]
        var places: [ImageName: SourcePosition] = [:]
        for group in catalog.groups {
            let path = Self.path(group.definition.text, in: directory)
            let bytes: [UInt8]
            do throws(RootcellarError) {
                if let known = texts[path] { bytes = known } else { bytes = try read(path) }
                texts[path] = bytes
            } catch {
                faults.append(error)
                continue
            }
            for combination in group.combinations {
                let image: CatalogImage
                do throws(RootcellarError) {
                    image = try Self.image(combination, of: group, bytes, path, now: now)
                } catch {
                    // One fault of a definition shows in each of its images.
                    if !faults.contains(where: { $0.description == error.description }) { faults.append(error) }
                    continue
                }
                if let other = places.updateValue(group.position, forKey: image.name) {
                    throw RootcellarError(
                        .definition,
                        "\(image.name) is there already, at \(other)",
                        subject: "\(group.position)",
                        hint: "build it once"
                    )
                }
                images.append(image)
            }
        }
    }

    private static func path(_ text: String, in directory: String) -> String {
        text.hasPrefix("/") || directory.isEmpty ? text : directory + (directory.hasSuffix("/") ? "" : "/") + text
    }

    private static func image(
        _ combination: BuildCatalog.Combination,
        of group: BuildCatalog.Group,
        _ bytes: [UInt8],
        _ path: String,
        now: Timestamp
    ) throws(RootcellarError) -> CatalogImage {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw RootcellarError(.definition, "not UTF-8", subject: path)
        }
        let overrides = combination.overrides + group.options.map(\.text)
        let name: ImageName
        do throws(RootcellarError) {
            name = try DefinitionFile.load(
                text: text,
                path: path,
                overrides: overrides,
                hostArchitecture: combination.architecture,
                now: now
            ).definition.imageName()
        } catch {
            guard error.errorClass == .usage else { throw error }
            // An override that the catalogue brought.
            throw RootcellarError(
                .definition,
                "\(error.reason): \(error.subject)",
                subject: "\(group.position)",
                hint: error.hint
            )
        }
        return CatalogImage(
            name: name,
            definition: path,
            overrides: overrides,
            inputs: BuildInputs(definition: SHA256Digest(hashing: bytes), overrides: overrides),
            schedule: group.schedule,
            labels: group.labels,
            retention: group.retention
        )
    }
}
