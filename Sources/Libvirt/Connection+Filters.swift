import CLibvirt
import Glibc

extension Connection {
  /// The names of all network filters.
  package func filterNames() throws(LibvirtError) -> [String] {
    var list: UnsafeMutablePointer<virNWFilterPtr?>?
    let count = try unsafe LibvirtError.check(
      virConnectListAllNWFilters(pointer, &list, 0),
      "virConnectListAllNWFilters"
    )
    guard let list = unsafe list else { return [] }
    defer { unsafe free(list) }
    var names: [String] = []
    for index in 0..<Int(count) {
      guard let filter = unsafe list[index] else { continue }
      defer { unsafe virNWFilterFree(filter) }
      if let name = unsafe virNWFilterGetName(filter) { unsafe names.append(String(cString: name)) }
    }
    return names
  }

  /// The UUID of a network filter; nil if there is none of that name.
  package func filterUUID(named name: String) throws(LibvirtError) -> String? {
    guard let filter = try unsafe filter(named: name) else { return nil }
    defer { unsafe virNWFilterFree(filter) }
    var text = [CChar](repeating: 0, count: Int(VIR_UUID_STRING_BUFLEN))
    try unsafe LibvirtError.check(
      virNWFilterGetUUIDString(filter, &text),
      "virNWFilterGetUUIDString"
    )
    return String(decoding: text.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Adds a network filter, or changes the one of the same name and UUID, also where it is in use.
  package func defineFilter(xml: String) throws(LibvirtError) {
    let filter = try unsafe LibvirtError.check(
      virNWFilterDefineXML(pointer, xml),
      "virNWFilterDefineXML"
    )
    unsafe virNWFilterFree(filter)
  }

  /// Removes a network filter; one that isn't there counts as removed.
  ///
  /// - Returns: False if a running domain uses it.
  package func removeFilter(named name: String) throws(LibvirtError) -> Bool {
    guard let filter = try unsafe filter(named: name) else { return true }
    defer { unsafe virNWFilterFree(filter) }
    do throws(LibvirtError) {
      try unsafe LibvirtError.check(virNWFilterUndefine(filter), "virNWFilterUndefine")
      return true
    } catch {
      switch error.code {
      case .noFilter: return true
      case .operationInvalid: return false
      default: throw error
      }
    }
  }

  private func filter(named name: String) throws(LibvirtError) -> OpaquePointer? {
    do throws(LibvirtError) {
      return try unsafe LibvirtError.check(
        virNWFilterLookupByName(pointer, name),
        "virNWFilterLookupByName"
      )
    } catch {
      guard error.code == .noFilter else { throw error }
      return nil
    }
  }
}
