// SPDX-License-Identifier: Apache-2.0

import Definition
import Model

/// What installs and removes packages inside the image.
protocol PackageManaging {
    /// Of everything it runs.
    var environment: [String: String] { get set }

    /// Readies the manager, before anything else is asked of it.
    func prepare() throws(RootcellarError)
    /// Adds repositories and their keys.
    func addRepositories(_ items: [RepositoryItem]) throws(RootcellarError)
    /// Fetches what the archives offer.
    func refresh() throws(RootcellarError)
    /// Upgrades everything.
    func update() throws(RootcellarError)
    /// Installs or removes a set of packages.
    func apply(_ set: PackageSet) throws(RootcellarError)
    /// Removes what was downloaded.
    func clean() throws(RootcellarError)
}
