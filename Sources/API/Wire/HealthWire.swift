/// The answer of `/healthz`: the process answers.
struct HealthWire: Encodable {
  let status = "ok"

  private enum CodingKeys: CodingKey {
    case status
  }
}

/// The answer of `/readyz` when every part is ready.
struct ReadyWire: Encodable {
  let status = "ok"
  let parts: [String: String]

  private enum CodingKeys: CodingKey {
    case status, parts
  }
}
