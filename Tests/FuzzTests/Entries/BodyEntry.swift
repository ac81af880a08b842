import API
import Model

/// JSON bodies of requests.
enum BodyEntry {
  /// Most faults of one answer, and most bytes of one of them.
  private static let mostFaults = 64
  private static let longestFault = 1024

  static func check(_ bytes: [UInt8]) {
    if let json = try? JSONReader.read(bytes, depthLimit: Limits.jsonDepth) {
      precondition(depth(of: json) <= Limits.jsonDepth, "a value is deeper than the limit")
      for isIndented in [false, true] {
        let text = json.encoded(indented: isIndented)
        let again = try? JSONReader.read(Array(text.utf8), depthLimit: Limits.jsonDepth)
        precondition(again == json, "a value changes on its way")
      }
    }
    check(CreateBackupBody.self, bytes) { ($0.note?.unicodeScalars.count ?? 0) <= 1024 }
    check(CreateScheduleBody.self, bytes) {
      ScheduleTiming.hours.contains($0.hour) && Limits.retentionCounts.contains($0.retentionCount)
        && ($0.dayOfWeek.map(ScheduleTiming.daysOfWeek.contains) ?? true)
        && ($0.dayOfMonth.map(ScheduleTiming.daysOfMonth.contains) ?? true)
    }
    check(EditScheduleBody.self, bytes) { $0.hour.map(ScheduleTiming.hours.contains) ?? true }
    check(NoFields.self, bytes) { _ in true }
    check(RestartBody.self, bytes) { _ in true }
    check(RestoreFromVPSBody.self, bytes) {
      [$0.backupID, $0.sourceVPSID].allSatisfy {
        $0.unicodeScalars.count <= Limits.identifierCharacters
      }
    }
  }

  private static func check<Body: RequestFields>(
    _ type: Body.Type,
    _ bytes: [UInt8],
    _ isSound: (Body) -> Bool
  ) {
    do throws(Refusal) {
      let body = try type.read(bytes)
      precondition(isSound(body), "a body holds what it may not")
    } catch {
      guard case .invalidRequest(let faults) = error else {
        preconditionFailure("a body is refused for something else")
      }
      precondition((1...mostFaults).contains(faults.count), "a body has too many faults")
      for fault in faults {
        precondition(
          fault.pointer.utf8.count + fault.detail.utf8.count <= longestFault,
          "a fault takes pages to tell"
        )
      }
    }
  }

  private static func depth(of json: JSON) -> Int {
    switch json {
    case .null, .boolean, .number, .string: 0
    case .array(let elements): 1 + (elements.map(depth).max() ?? 0)
    case .object(let members): 1 + (members.map { depth(of: $0.value) }.max() ?? 0)
    }
  }
}
