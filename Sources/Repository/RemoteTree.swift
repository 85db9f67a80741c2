// SPDX-License-Identifier: Apache-2.0

package import Model
package import SystemPackage
package import Transfer

/// A tree in an object store, and the working copy that it is published from: a directory like any local tree, with all
/// documents and none of the big files. Publishing goes on there as everywhere; what it puts into place is put into the store
/// as well, in the same order, and the pointer comes into force there first.
package final class RemoteTree {
    let store: ObjectStore
    let layout: TreeLayout
    private let now: Timestamp
    private let began = ContinuousClock.now

    var state = RemoteState(tree: "")
    var claim: Claim?
    var claimETag = ""
    var renewedAt = ContinuousClock.now
    /// What a publisher that died has left to do.
    var inherited: Claim?
    /// The pointer's entity tag as it was read; nil if there is none.
    var pointerETag: String?
    /// Whether a new pointer was sent and nobody knows whether it arrived.
    var isUnsure = false
    /// Whether the indexes in the store may be between two publications.
    var hasStaleIndexes = false

    /// Nothing is read or made yet.
    ///
    /// - Parameters:
    ///   - workingCopy: a directory for this tree alone; made if it does not exist.
    ///   - now: the clock to judge by.
    package init(_ store: ObjectStore, workingCopy: FilePath, now: Timestamp) {
        self.store = store
        layout = TreeLayout(top: workingCopy, keepsFiles: false)
        self.now = now
    }

    /// Where the working copy is.
    package var workingCopy: FilePath { layout.top }

    /// The tree, as messages call it.
    var name: String { store.address.description }

    /// The time that it is now, by the clock of the beginning and what has passed since.
    var currentTime: Timestamp { now.adding(seconds: began.duration(to: .now).components.seconds) }

    private var statePath: FilePath { layout.top.appending(TreeLayout.hidden).appending("remote.json") }

    /// Makes the working copy or opens it.
    ///
    /// - Throws: `POLICY` for a directory that is something else.
    func open() throws(RootcellarError) {
        let tree = "\(name) at \(store.address.endpoint)"
        if Disk.exists(statePath) {
            state = try RemoteState(verified: Disk.read(statePath, limit: 64 << 20), subject: statePath.string)
            guard state.tree == tree else {
                throw RootcellarError(
                    .policy,
                    "this is the working copy of \(state.tree)",
                    subject: layout.top.string,
                    hint: "give another directory to --working-copy"
                )
            }
            return
        }
        if Disk.exists(layout.top) {
            let hidden = Set(try Disk.members(layout.top.appending(TreeLayout.hidden)))
            guard Set(try Disk.members(layout.top)).isSubset(of: [TreeLayout.hidden]),
                hidden.isSubset(of: ["remote.json.new", "lock"])
            else {
                throw RootcellarError(
                    .policy,
                    "this directory is not a working copy of \(name)",
                    subject: layout.top.string,
                    hint: "give a new one to --working-copy"
                )
            }
        }
        try Self.makeAll(layout.top.appending(TreeLayout.hidden))
        state = RemoteState(tree: tree)
        try save()
    }

    /// Makes a directory and all above it.
    private static func makeAll(_ path: FilePath) throws(RootcellarError) {
        if Disk.isDirectory(path) { return }
        let parent = path.removingLastComponent()
        if !parent.isEmpty, !Disk.exists(parent) { try makeAll(parent) }
        try Disk.makeDirectory(path)
    }

    func save() throws(RootcellarError) {
        let staged = FilePath(statePath.string + ".new")
        try Disk.write(try state.canonicalBytes(), to: staged, mode: 0o600)
        try Disk.rename(staged, to: statePath)
    }

    /// Takes the big files of builds out of the working copy again.
    func slim(_ builds: [String]) {
        for build in builds {
            let directory = layout.path(build)
            for name in (try? Disk.members(directory)) ?? [] where !Self.kept.contains(name) {
                try? Disk.remove(directory.appending(name))
            }
        }
    }

    /// What publishing and its pages read of builds again.
    private static let kept: Set = [ImageDocument.fileName, TestReport.fileName]
}
