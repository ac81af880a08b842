package import Model

/// A JSON object that a request may have as its body; it names its fields and their bounds.
package protocol RequestFields: RequestBody {
  /// Takes its fields out of the body.
  init(_ fields: inout BodyFields)
}

/// The body of `POST /api/v2/vps/{id}/backups/actions/restore-from-vps`.
package struct RestoreFromVPSBody: RequestFields, Equatable {
  /// The VPS that the backup was made of.
  package let sourceVPSID: String
  /// The backup.
  package let backupID: String

  package init(_ fields: inout BodyFields) {
    sourceVPSID = fields.identifier("sourceVpsId")
    backupID = fields.identifier("backupId")
  }
}

/// The body of `POST /api/v2/vps/{id}/backups`, all of it optional.
package struct CreateBackupBody: RequestFields, Equatable {
  /// The client's own words; nil: none.
  package let note: String?

  package init(_ fields: inout BodyFields) {
    note = fields.optionalText("note", characters: Limits.noteCharacters)
  }
}

/// The body of `POST /api/v2/vps/{id}/actions/restart`, all of it optional.
package struct RestartBody: RequestFields, Equatable {
  /// Whether the plug of a guest that doesn't obey is pulled.
  package let force: Bool

  package init(_ fields: inout BodyFields) {
    force = fields.optionalBoolean("force") ?? false
  }
}

/// The body of a POST that has nothing to say: it may be missing, or an empty object.
package struct NoFields: RequestFields, Equatable {
  package init(_ fields: inout BodyFields) {}
}

extension RequestFields {
  package static func read(_ body: ReceivedBody) throws(Refusal) -> Self {
    guard body.isJSON else { throw .unsupportedMediaType }
    return try read(body.bytes)
  }

  /// Reads a whole body from its bytes, with every fault in it.
  package static func read(_ bytes: [UInt8]) throws(Refusal) -> Self {
    let json: JSON
    do throws(JSONFault) {
      json = try JSONReader.read(bytes, depthLimit: Limits.jsonDepth)
    } catch {
      throw .invalidRequest([
        Fault(pointer: "", code: .invalidValue, detail: error.sentence)
      ])
    }
    var fields = try BodyFields(json)
    let body = Self(&fields)
    try fields.finish()
    return body
  }
}

extension JSONFault {
  /// The sentence for people.
  fileprivate var sentence: String {
    switch self {
    case .notUTF8: "The body is not UTF-8 text."
    case .unexpected(let offset): "The body is not valid JSON at byte \(offset)."
    case .incomplete: "The body is not valid JSON: it ends too early."
    case .tooDeep(let limit): "The body nests deeper than \(limit) levels."
    }
  }
}
