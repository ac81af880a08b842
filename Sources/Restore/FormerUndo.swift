package import Catalog
package import Model

/// An undo record that another one stands in for: an in-place restore must not lose the way back to
/// before an earlier one until it has become whole itself.
///
/// Stored in that other one's detail: fields are append-only.
package struct FormerUndo: Sendable, Equatable, Codable {
  /// The restore that it takes back.
  package var restoreJobID: JobID
  /// Until when it would be kept.
  package var until: Timestamp
  /// Its own detail.
  package var detail: String
  /// Host space that it takes.
  package var sizeBytes: Int64

  /// Remembers a record.
  package init(_ record: UndoRecord) {
    restoreJobID = record.restoreJobID
    until = record.until
    detail = record.detail
    sizeBytes = record.sizeBytes
  }

  /// The record as it was.
  package func record(of vps: VPSID) -> UndoRecord {
    UndoRecord(
      vpsID: vps,
      restoreJobID: restoreJobID,
      until: until,
      detail: detail,
      sizeBytes: sizeBytes
    )
  }
}

extension UndoRecord {
  /// The same with another detail.
  func with(_ detail: UndoDetail) -> UndoRecord {
    var record = self
    record.detail = JournalText.of(detail)
    return record
  }
}
