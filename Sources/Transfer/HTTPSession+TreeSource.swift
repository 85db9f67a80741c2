// SPDX-License-Identifier: Apache-2.0

import Model

extension HTTPSession: TreeSource {
    package var address: String { server.url }

    package func url(of path: String) -> String { server.url(of: path) }
}
