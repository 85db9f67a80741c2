// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Model

/// An image, as one word or as words.
struct ImageArgument: ParsableArguments {
    @Argument(help: "DISTRIBUTION/RELEASE/ARCHITECTURE[/VARIANT], or the same as separate words.")
    private var image: [String]

    /// - Throws: `POLICY` for what is no image's name.
    func name() throws(RootcellarError) -> ImageName {
        try ImageName(path: image.joined(separator: "/"))
    }
}
