import Jobs
import Model

extension BackupRun {
  /// Does `read`, which a guest whose storage hangs can't keep from ending: when a cancel was asked
  /// for, or this worker isn't to go on, the lines of readers that don't let go are cut.
  func obeying(
    _ lines: SessionLines,
    _ read: () async throws(BackupStop) -> MadeDisks
  ) async throws(BackupStop) -> MadeDisks {
    async let _ = cutWhenCancelled(lines)
    let made = await withTaskCancellationHandler {
      do throws(BackupStop) {
        return Result<MadeDisks, BackupStop>.success(try await read())
      } catch {
        return .failure(error)
      }
    } onCancel: {
      lines.hangUp()
    }
    do throws(BackupStop) {
      return try made.get()
    } catch {
      // A line that was cut is an error of the disk to who reads; this is why it was cut.
      if Task.isCancelled { throw .interrupted(.leaseLost) }
      if context.isCancelRequested { throw .cancelled }
      throw error
    }
  }

  /// Readers look for a cancel at each chunk, so only those are cut that don't get theirs.
  private func cutWhenCancelled(_ lines: SessionLines) async {
    while !context.isCancelRequested {
      guard await parts.timer.isAwake(after: Limits.progressInterval) else { return }
    }
    guard await parts.timer.isAwake(after: Limits.scratchReaderPatience) else { return }
    lines.hangUp()
  }
}
