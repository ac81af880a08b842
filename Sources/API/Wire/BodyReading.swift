import Hummingbird
import Model

extension Request {
  /// Reads a body, as large as any may be: 413, then 415, then 400.
  func body<Body: RequestBody>(_: Body.Type) async throws(Refusal) -> Body {
    try Body.read(await receiveBody())
  }

  /// The whole body without a look into it.
  func receiveBody() async throws(Refusal) -> ReceivedBody {
    ReceivedBody(bytes: try await bytes(limit: Limits.requestBodyBytes), isJSON: isJSON)
  }

  private var isJSON: Bool {
    guard let value = headers[.contentType] else { return false }
    let type = value.prefix { $0 != ";" }
    return String(type.filter { $0 != " " && $0 != "\t" }).lowercased() == "application/json"
  }

  private func bytes(limit: Int) async throws(Refusal) -> [UInt8] {
    if let text = headers[.contentLength], let announced = Int(text), announced > limit {
      throw .payloadTooLarge(limitBytes: limit)
    }
    do {
      var bytes: [UInt8] = []
      for try await chunk in body {
        guard bytes.count + chunk.readableBytes <= limit else {
          throw Refusal.payloadTooLarge(limitBytes: limit)
        }
        bytes += chunk.readableBytesView
      }
      return bytes
    } catch let refusal as Refusal {
      throw refusal
    } catch let unreadable as UnreadableBody {
      throw unreadable.flaw.refusal
    } catch {
      // The server is ending and waits for it no longer: nothing is wrong with the request.
      guard !Task.isCancelled else { throw .serviceUnavailable(retryAfterSeconds: 1) }
      // The transfer broke off or its framing is wrong; whoever still listens may know.
      throw .invalidRequest([
        Fault(pointer: "", code: .invalidValue, detail: "The body could not be read to its end.")
      ])
    }
  }
}
