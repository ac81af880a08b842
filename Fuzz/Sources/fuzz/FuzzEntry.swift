import Dispatch
import Entries
import Glibc

/// The format that the environment names; no other can be meant by accident.
private let format: Format = {
  let name = unsafe getenv("FORMAT").map { unsafe String(cString: $0) } ?? ""
  guard let format = Format(rawValue: name) else {
    preconditionFailure("FORMAT is `\(name)`, but must be one of \(Format.allCases)")
  }
  return format
}()

/// What libFuzzer calls with each input.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = unsafe [UInt8](UnsafeBufferPointer(start: start, count: count))
  let format = format
  let end = DispatchSemaphore(value: 0)
  // libFuzzer's own thread has to wait: it takes the next input for granted when this returns.
  Task.detached {
    await format.check(bytes)
    end.signal()
  }
  end.wait()
  return 0
}
