import API
import Model

/// Queries of lists.
enum QueryEntry {
  static func check(_ bytes: [UInt8]) {
    guard let text = String(validating: bytes, as: UTF8.self) else { return }
    var fields = QueryFields(text)
    let limit = fields.integer("limit", in: 1...Limits.pageMaximum, default: Limits.pageDefault)
    precondition((1...Limits.pageMaximum).contains(limit), "a page is longer than any may be")
    if let address = fields.address("primaryIp") {
      precondition(IPAddress(address.text) == address, "an address changes on its way")
    }
    _ = fields.text("cursor")
    do throws(Refusal) {
      try fields.finish()
    } catch {
      guard case .invalidRequest(let faults) = error else {
        preconditionFailure("a query is refused for something else")
      }
      precondition((1...3).contains(faults.count), "a parameter has more than one fault")
    }
  }
}
