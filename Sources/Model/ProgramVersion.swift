// SPDX-License-Identifier: Apache-2.0

/// The version of this program and of every library and module in it.
package let programVersion = "0.1.0"
