// SPDX-License-Identifier: Apache-2.0

import ClientCommands

CommandLineEntry.run(ClientRoot.self)
