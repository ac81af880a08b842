import CLinux

/// How the process keeps house with its memory.
package enum ProcessMemory {
  /// Gives large blocks back to the system when they are freed, such as the indexes of large disks.
  package static func returnLargeBlocks() { rehome_return_large_blocks() }
}
