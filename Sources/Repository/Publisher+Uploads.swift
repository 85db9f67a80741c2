// SPDX-License-Identifier: Apache-2.0

package import Archive
package import Model
import SystemPackage

#if canImport(Glibc)
import Glibc
#endif

extension Publisher {
    /// What was taken out of a quarantine.
    package struct UploadReport: Encodable, Sendable {
        /// What was published, in the order in which it was.
        package var published: [PublishReport.Image] = []
        /// What never will be; its builder can ask why.
        package var refused: [Refusal] = []
        /// Uploads that are not complete.
        package var waiting = 0
        /// Uploads whose record cannot be read; they stay.
        package var unreadable: [SHA256Digest] = []

        /// An upload that was refused.
        package struct Refusal: Encodable, Sendable {
            package var image: String
            package var serial: Serial
            package var token: String
            package var errorClass: ErrorClass
            package var reason: String
        }
    }

    /// Publishes every complete upload by itself, by the same rules as any image directory, and decides on each for good:
    /// what is published or refused is gone from the quarantine, with a line in its audit log. What fails because of this
    /// side (keys, disk, another publisher) stays.
    ///
    /// - Parameter untested: says that builds may be published that have not passed tests of just their files.
    /// - Throws: what keeps this publisher from working at all.
    package func take(_ quarantine: Quarantine, untested: Bool) throws(RootcellarError) -> UploadReport {
        try remote?.open()
        var report = UploadReport()
        var uploads: [(id: SHA256Digest, record: UploadRecord)] = []
        for id in try quarantine.uploads() {
            guard quarantine.has(id, Quarantine.marker) else {
                report.waiting += 1
                continue
            }
            guard let record = try? quarantine.readRecord(id), (try? record.declaration.name()) != nil else {
                report.unreadable.append(id)
                continue
            }
            uploads.append((id, record))
        }
        // Older builds of an image first: the other way round they would be refused for not being newer.
        uploads.sort { ($0.record.declaration.serial, $0.id) < ($1.record.declaration.serial, $1.id) }
        for (id, record) in uploads {
            switch try decide(id, record, of: quarantine, untested: untested) {
            case .success(let image):
                try quarantine.close(id, UploadOutcome(of: record, refusal: nil, decided: now))
                report.published.append(image)
            case .failure(let error):
                let reason = "\(error.errorClass.rawValue): \(error.reason)"
                try quarantine.close(id, UploadOutcome(of: record, refusal: reason, decided: now))
                report.refused.append(
                    UploadReport.Refusal(
                        image: record.declaration.image,
                        serial: record.declaration.serial,
                        token: record.token,
                        errorClass: error.errorClass,
                        reason: error.reason
                    )
                )
            }
        }
        return report
    }

    /// Publishes an upload, or says what is wrong with it.
    ///
    /// - Throws: what is not the image's fault: an error whose subject is neither the image nor one of its files.
    private func decide(
        _ id: SHA256Digest,
        _ record: UploadRecord,
        of quarantine: Quarantine,
        untested: Bool
    ) throws(RootcellarError) -> Result<PublishReport.Image, RootcellarError> {
        let bench = try Workbench(layout)
        defer { bench.close() }
        do throws(RootcellarError) {
            return .success(try publish(id, record, of: quarantine, in: bench.path, untested: untested))
        } catch {
            guard error.subject.hasPrefix(bench.path.string) || error.subject == record.declaration.image else {
                throw error
            }
            switch error.errorClass {
            case .policy, .test, .size, .hash, .binding, .archive, .meta: return .failure(error)
            default: throw error
            }
        }
    }

    private func publish(
        _ id: SHA256Digest,
        _ record: UploadRecord,
        of quarantine: Quarantine,
        in bench: FilePath,
        untested: Bool
    ) throws(RootcellarError) -> PublishReport.Image {
        let name = try record.declaration.name()
        guard record.images.contains(where: { $0.matches(name) }) else {
            throw RootcellarError(.policy, "the token '\(record.token)' is not for this image", subject: name.path)
        }
        try Self.copy(id, record, of: quarantine, to: bench)
        let source: ImageSource
        do throws(RootcellarError) { source = try ImageSource(bench) } catch {
            // Whatever is wrong with the files, it is the image that is wrong.
            throw error.errorClass == .repository
                ? RootcellarError(.binding, error.reason, subject: error.subject) : error
        }
        guard source.name == name, source.document.serial == record.declaration.serial,
            source.reference == record.declaration.files[ImageDocument.fileName]
        else { throw RootcellarError(.binding, "the image is another than was declared", subject: name.path) }
        // A publisher that was killed between publishing and saying so.
        if let image = try publishedImage(of: source) { return image }
        let published = try publish(images: [bench], untested: untested)
        guard let image = published.images.first else {
            throw RootcellarError(.internal, "nothing was published", subject: name.path)
        }
        return image
    }

    /// Copies the declared files where nobody else can write. The server's directory is read from its top without
    /// following a link: whoever has broken into the server must not make a publisher read other files than those.
    private static func copy(
        _ id: SHA256Digest,
        _ record: UploadRecord,
        of quarantine: Quarantine,
        to bench: FilePath
    ) throws(RootcellarError) {
        let name = try record.declaration.name()
        let top: FileDescriptor
        do throws(Errno) { top = try openPath(quarantine.open, .readOnly, .directory) } catch {
            throw Disk.fault("cannot be opened", quarantine.open, error)
        }
        defer { try? top.close() }
        for (file, reference) in record.declaration.files {
            let path = "\(id)/\(Quarantine.files)/\(file)"
            do throws(Errno) {
                let from = try top.openBeneath(Array(path.utf8), O_RDONLY | O_NONBLOCK | O_CLOEXEC)
                defer { try? from.close() }
                let status = try from.status()
                guard status.kind == .file, status.size == reference.size else { throw Errno.invalidArgument }
                let to = try openPath(bench.appending(file), .writeOnly, [.create, .exclusiveCreate])
                defer { try? to.close() }
                try ImageSource.copyBytes(from, to, count: reference.size)
            } catch Errno.invalidArgument {
                throw RootcellarError(.size, "not a file of \(reference.size) bytes: \(file)", subject: name.path)
            } catch Errno.noSuchFileOrDirectory {
                throw RootcellarError(.binding, "a declared file is not there: \(file)", subject: name.path)
            } catch Errno.tooManySymbolicLinkLevels {
                throw RootcellarError(.binding, "a link where a file has to be: \(file)", subject: name.path)
            } catch { throw Disk.fault("cannot be copied", quarantine.open.appending(path), error) }
        }
    }

    /// The published build that an upload has become already; nil if it has not.
    private func publishedImage(of source: ImageSource) throws(RootcellarError) -> PublishReport.Image? {
        try locked(roles: []) { tree throws(RootcellarError) in
            guard let shard = try tree.shard(source.name.distribution), let at = shard.position(of: source.name),
                let build = shard.images[at].builds.first(where: { $0.serial == source.document.serial })
            else { return nil }
            let document = try Streams.document(source.name, build, layout)
            guard source.isSame(as: document) else { return nil }
            return PublishReport.Image(
                name: source.name.path,
                serial: build.serial,
                image: build.image,
                files: document.files.count + 1,
                bytes: document.files.values.reduce(build.image.size) { $0 + $1.size },
                deltas: [:],
                tested: build.tested
            )
        }
    }
}
