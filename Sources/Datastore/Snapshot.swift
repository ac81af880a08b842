internal import Checksum

/// A finished snapshot, its manifest and indexes read and checked against each other.
package struct Snapshot: Sendable {
  /// Where it stands.
  package let path: SnapshotPath
  /// What it holds.
  package let manifest: Manifest
  /// The disks' indexes by archive name, such as `drive-virtio0.img.fidx`.
  package let indexes: [String: FixedIndex]

  let folder: String
  let files: FileExecutor

  /// Reads a blob's payload, checked against the manifest.
  ///
  /// - Throws: `blobCorrupt`, also for a name that the manifest doesn't list.
  package func blob(_ name: String) async throws(DatastoreError) -> [UInt8] {
    guard let entry = manifest.file(named: name), name.hasSuffix(".blob") else {
      throw .blobCorrupt(name)
    }
    let path = "\(folder)/\(name)"
    return try await files.run { calls throws(DatastoreError) in
      guard
        case .bytes(let file) = try calls.read(path, limit: DataBlob.maximumFileByteCount),
        file.count == entry.size, file.withRawBytes({ Digest(sha256: $0) }) == entry.checksum
      else { throw .blobCorrupt(name) }
      do throws(BlobError) {
        return try DataBlob.decode(file)
      } catch {
        throw error == .encrypted ? .encrypted(name) : .blobCorrupt(name)
      }
    }
  }
}

extension Snapshot {
  /// Reads and checks everything but blobs and chunks.
  init(
    path: SnapshotPath,
    layout: StoreLayout,
    files: FileExecutor,
    _ calls: FileCalls
  ) throws(DatastoreError) {
    self.path = path
    self.files = files
    folder = layout.folder(of: path)
    manifest = try Self.manifest(at: path, layout: layout, calls)
    var indexes: [String: FixedIndex] = [:]
    for file in manifest.files {
      guard file.cryptMode == "none" || file.cryptMode == "sign-only" else {
        throw .encrypted(file.filename)
      }
      guard file.filename.hasSuffix(".fidx") else { continue }
      indexes[file.filename] = try Self.index(file, in: folder, calls)
    }
    self.indexes = indexes
  }

  static func manifest(
    at path: SnapshotPath,
    layout: StoreLayout,
    _ calls: FileCalls
  ) throws(DatastoreError) -> Manifest {
    let file = layout.manifest(of: path)
    let longest = Manifest.maximumByteCount + DataBlob.encryptedHeaderByteCount
    switch try calls.read(file, limit: longest) {
    case .absent: throw .snapshotNotFound(path.relative)
    case .unacceptable: throw .manifestCorrupt(path.relative)
    case .bytes(let blob):
      let json: [UInt8]
      do throws(BlobError) {
        json = try DataBlob.decode(blob, limit: Manifest.maximumByteCount)
      } catch {
        throw error == .encrypted
          ? .encrypted(Manifest.fileName) : .manifestCorrupt(path.relative)
      }
      return try Manifest(json: json, of: path)
    }
  }

  private static func index(
    _ entry: Manifest.File,
    in folder: String,
    _ calls: FileCalls
  ) throws(DatastoreError) -> FixedIndex {
    let name = entry.filename
    // The smallest chunks make the longest index that this disk can have.
    let chunkCount = FixedIndex.chunkCount(size: entry.size, chunkSize: FixedIndex.chunkSizes[0])
    let (digests, isTooLong) = chunkCount.multipliedReportingOverflow(by: Digest.byteCount)
    guard !isTooLong, digests <= Int.max - FixedIndex.headerByteCount,
      case .bytes(let file) = try calls.read(
        "\(folder)/\(name)",
        limit: min(FixedIndex.headerByteCount + digests, FixedIndex.maximumByteCount)
      )
    else { throw .indexCorrupt(name) }
    let index = try FixedIndex(file: file, name: name)
    guard index.size == entry.size, index.checksum == entry.checksum else {
      throw .indexCorrupt(name)
    }
    return index
  }
}
