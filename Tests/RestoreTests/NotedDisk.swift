import Disks
import Synchronization

/// A disk that notes what is done to it, and in which order.
final class NotedDisk: DiskDouble {
  enum Effect: Equatable {
    case read(String), write(String), zero(String), flush(String)
  }

  final class Notes: Sendable {
    private let effects = Mutex<[Effect]>([])

    func add(_ effect: Effect) { effects.withLock { $0.append(effect) } }

    func take() -> [Effect] {
      effects.withLock { effects in
        defer { effects = [] }
        return effects
      }
    }
  }

  let disk: any BlockDevice
  private let name: String
  private let notes: Notes

  init(_ disk: RawDisk, _ name: String, _ notes: Notes) {
    self.disk = disk
    self.name = name
    self.notes = notes
  }

  func read(at offset: Int64, into buffer: AlignedBuffer, count: Int) async throws(DiskError) {
    notes.add(.read(name))
    try await disk.read(at: offset, into: buffer, count: count)
  }

  func write(
    at offset: Int64,
    from buffer: AlignedBuffer,
    part: Range<Int>
  ) async throws(DiskError) {
    notes.add(.write(name))
    try await disk.write(at: offset, from: buffer, part: part)
  }

  func zero(at offset: Int64, count: Int64) async throws(DiskError) {
    notes.add(.zero(name))
    try await disk.zero(at: offset, count: count)
  }

  func flush() async throws(DiskError) {
    try await disk.flush()
    notes.add(.flush(name))
  }
}
