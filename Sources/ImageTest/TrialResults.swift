// SPDX-License-Identifier: Apache-2.0

import Model
import Synchronization

/// Collects what trials on several threads come to.
final class TrialResults: Sendable {
    private let collected = Mutex<[TestReport.Trial]>([])

    var trials: [TestReport.Trial] { collected.withLock { $0 } }

    func add(_ trial: TestReport.Trial) { collected.withLock { $0.append(trial) } }
}
