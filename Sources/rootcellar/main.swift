// SPDX-License-Identifier: Apache-2.0

import ClientCommands
import Commands

await CommandLineEntry.runAsynchronous(RootCommand.self, rewritten: BooleanWords.rewritten)
