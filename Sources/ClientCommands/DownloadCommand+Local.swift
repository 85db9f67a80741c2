// SPDX-License-Identifier: Apache-2.0

import Client
import Model
import SystemPackage

extension DownloadCommand {
    /// Makes the container of a file of the user's own, if that is asked for.
    ///
    /// - Returns: whether it is.
    static func createLocal(
        _ words: TemplateWords,
        in place: ContainerCreation.Place,
        _ narrator: Narrator
    ) throws(RootcellarError) -> Bool {
        guard let local = words.local else {
            guard words.metadata == nil else {
                throw RootcellarError(.usage, "option '--metadata' goes with '--local'")
            }
            return false
        }
        guard words.distribution == nil else {
            throw RootcellarError(
                .usage,
                "option '--dist' does not go with '--local'",
                hint: "an image comes from a server or from a file"
            )
        }
        let surroundings = Surroundings.current()
        try ContainerCreation(surroundings, narrator).run(in: place) { () throws(RootcellarError) in
            try LocalImage(FilePath(local), metadata: words.metadata.map { FilePath($0) }, surroundings, narrator)
        }
        return true
    }
}
