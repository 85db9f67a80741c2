// SPDX-License-Identifier: Apache-2.0

import Model
package import Transfer

/// What stays the same while one image of a server is chosen and unpacked.
package struct ImageSetting<Server> {
    package let surroundings: Surroundings
    package let layout: CacheLayout
    package let server: Server
    package let options: TransferOptions
    package let narrator: Narrator

    /// A setting.
    package init(
        _ surroundings: Surroundings,
        layout: CacheLayout,
        server: Server,
        options: TransferOptions,
        _ narrator: Narrator
    ) {
        self.surroundings = surroundings
        self.layout = layout
        self.server = server
        self.options = options
        self.narrator = narrator
    }
}
