/// A format whose bytes come from somebody else, and what reading any bytes of it must keep.
///
/// The name is that of the folder in `Fuzz/corpus`.
package enum Format: String, CaseIterable, Sendable {
  case blob, body, image, index, manifest, name, network, query, settings

  /// Reads `bytes` as this format; traps with a sentence where that breaks a promise.
  ///
  /// What can't be read is refused, which is fine: only what is accepted has to keep anything.
  package func check(_ bytes: [UInt8]) async {
    switch self {
    case .blob: BlobEntry.check(bytes)
    case .body: BodyEntry.check(bytes)
    case .image: ImageEntry.check(bytes)
    case .index: IndexEntry.check(bytes)
    case .manifest: ManifestEntry.check(bytes)
    case .name: NameEntry.check(bytes)
    case .network: NetworkEntry.check(bytes)
    case .query: QueryEntry.check(bytes)
    case .settings: await SettingsEntry.check(bytes)
    }
  }
}
