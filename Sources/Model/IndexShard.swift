// SPDX-License-Identifier: Apache-2.0

/// All builds of one distribution. Immutable: named by its own hash.
package struct IndexShard: Document {
    package static let title = "index"
    package var format = documentFormat
    /// The server's name for itself.
    package var server: String
    /// The distribution all images here are of.
    package var distribution: String
    /// Every image, sorted by name.
    package var images: [Image]

    /// One image and its builds.
    package struct Image: Codable, Sendable, Hashable {
        package var release: String
        package var architecture: String
        package var variant: String
        /// Builds, oldest first.
        package var builds: [Build]
        /// Names for some of the builds.
        package var channels: [Channel]?

        /// An image of an index.
        package init(release: String, architecture: String, variant: String, builds: [Build]) {
            self.release = release
            self.architecture = architecture
            self.variant = variant
            self.builds = builds
        }
    }

    /// One build of an image.
    package struct Build: Codable, Sendable, Hashable {
        package var serial: Serial
        /// The build's `image.json`.
        package var image: FileReference
        /// Whether the build passed its tests before it was published.
        package var tested: Bool
        /// When it came into the index; older indexes do not say.
        package var published: Timestamp?

        /// A build of an index.
        package init(serial: Serial, image: FileReference, tested: Bool, published: Timestamp? = nil) {
            self.serial = serial
            self.image = image
            self.tested = tested
            self.published = published
        }
    }

    /// An index of the current format.
    package init(server: String, distribution: String, images: [Image]) {
        self.server = server
        self.distribution = distribution
        self.images = images
    }

    /// Where an image stands in `images`; nil if it is not there.
    package func position(of name: ImageName) -> Int? {
        images.firstIndex {
            ($0.release, $0.architecture, $0.variant) == (name.release, name.architecture, name.variant)
        }
    }

    /// Every image by its checked name, in the order of the document.
    ///
    /// - Throws: `BINDING` if a name is not one, an image stands twice, has no build, or its serials or the times of a
    ///   channel do not ascend.
    package func catalogue(subject: String) throws(RootcellarError) -> [(name: ImageName, builds: [Build])] {
        var seen: Set<ImageName> = []
        var result: [(name: ImageName, builds: [Build])] = []
        for image in images {
            let name: ImageName
            do {
                name = try ImageName(
                    distribution: distribution,
                    release: image.release,
                    architecture: image.architecture,
                    variant: image.variant
                )
            } catch {
                throw RootcellarError(.binding, "the index has a bad name (\(error.reason))", subject: subject)
            }
            guard seen.insert(name).inserted else {
                throw RootcellarError(.binding, "the index has \(name) twice", subject: subject)
            }
            guard !image.builds.isEmpty,
                zip(image.builds, image.builds.dropFirst()).allSatisfy({ $0.serial < $1.serial })
            else {
                throw RootcellarError(.binding, "the builds of \(name) are not in order", subject: subject)
            }
            let channels = image.channels ?? []
            guard Set(channels.map(\.name)).count == channels.count,
                channels.allSatisfy({ channel in
                    ImageName.isName(channel.name)
                        && zip(channel.steps, channel.steps.dropFirst()).allSatisfy { $0.since <= $1.since }
                })
            else { throw RootcellarError(.binding, "the channels of \(name) are not in order", subject: subject) }
            result.append((name, image.builds))
        }
        return result
    }
}
