import Hypervisor
import Model
import Operations

extension RestoreRun {
  /// The last look, when the last byte is durable.
  func requireOff(_ watch: StartWatch) async throws(StepStop) {
    try await patiently { () async throws(HypervisorError) in try await watch.look() }
    guard !watch.hasSeenStart else { throw .startedMeanwhile }
  }
}

extension StepStop {
  /// Nobody knows what a guest did with half of a disk.
  ///
  /// What was saved stays, so that an undo can put it back.
  static var startedMeanwhile: StepStop {
    .operatorNeeded(
      "The target was started while its disks were being written over. Undo the restore to put "
        + "back what they held."
    )
  }
}
