internal import Checksum
package import Disks
internal import Logging
internal import Model

extension LocalDatastore {
  /// Reads every byte of a snapshot and tells which parts aren't what was stored.
  ///
  /// A chunk that is bad is put aside as `<digest>.<n>.bad`, as a Proxmox Backup Server does, so that
  /// nobody builds on it and the next backup that holds it stores it anew. A cancelled task ends it
  /// early.
  ///
  /// - Parameters:
  ///   - path: The snapshot.
  ///   - known: What this run has read already.
  ///   - rate: Asked before each chunk is read.
  /// - Returns: What was found.
  /// - Throws: What the file system says, `EIO` among it: a disk that fails now is no proof that
  ///   what is on it is bad.
  package func verify(
    _ path: SnapshotPath,
    known: VerifiedChunks,
    rate: RateLimiter
  ) async throws(DatastoreError) -> SnapshotFindings {
    let findings = try await look(at: path, known, rate)
    guard !findings.damage.isEmpty else { return findings }
    // A store whose file system isn't mounted has lost nothing.
    let layout = layout
    let isThere = try await files.run { calls throws(DatastoreError) in
      try calls.status(layout.chunks)?.isDirectory == true
    }
    guard isThere else { throw .notADatastore(path: layout.root) }
    return findings
  }

  private func look(
    at path: SnapshotPath,
    _ known: VerifiedChunks,
    _ rate: RateLimiter
  ) async throws(DatastoreError) -> SnapshotFindings {
    var findings = SnapshotFindings()
    let snapshot: Snapshot
    do throws(DatastoreError) {
      snapshot = try await open(path)
    } catch {
      guard let part = DamagedPart(error) else { throw error }
      findings.damage = [part]
      findings.isComplete = true
      return findings
    }
    for file in snapshot.manifest.files where file.filename.hasSuffix(".blob") {
      do throws(DatastoreError) {
        _ = try await snapshot.blob(file.filename)
      } catch {
        guard let part = DamagedPart(error) else { throw error }
        findings.damage.append(part)
      }
    }
    let buffer = AlignedBuffer(capacity: FixedIndex.defaultChunkSize)
    for (_, index) in snapshot.indexes.sorted(by: { $0.key < $1.key }) {
      guard try await verify(index, into: buffer, known, rate, &findings) else { return findings }
    }
    findings.isComplete = true
    return findings
  }

  /// Whether a chunk is in its place, as far as can be seen without reading it; `name` is its digest
  /// in hexadecimal digits, and nothing else has a place.
  package func hasChunk(named name: String) async throws(DatastoreError) -> Bool {
    guard let digest = Digest(hex: name) else { return false }
    let layout = layout
    return try await files.run { calls throws(DatastoreError) in
      guard let status = try calls.status(layout.file(of: digest)) else { return false }
      return status.isRegularFile && status.byteCount > DataBlob.headerByteCount
    }
  }

  /// Reads an index's chunks; false if it was told to end before.
  private func verify(
    _ index: FixedIndex,
    into buffer: AlignedBuffer,
    _ known: VerifiedChunks,
    _ rate: RateLimiter,
    _ findings: inout SnapshotFindings
  ) async throws(DatastoreError) -> Bool {
    var bad: Set<Digest> = []
    for (number, digest) in index.digests.enumerated() where !bad.contains(digest) {
      var isGood = known.isGood(digest)
      if isGood == nil {
        let length = index.length(of: number)
        await rate.spend(length)
        guard !Task.isCancelled else { return false }
        let isFound = try await isSound(digest, length, buffer)
        isGood = isFound
        known.note(digest, isGood: isFound)
        findings.chunkCount += 1
        findings.bytesRead += Int64(length)
        if !isFound { findings.badChunkCount += 1 }
      }
      guard isGood == false else { continue }
      bad.insert(digest)
      let part = DamagedPart(.chunk, digest.description)
      if !findings.damage.contains(part) { findings.damage.append(part) }
    }
    return true
  }

  private func isSound(
    _ digest: Digest,
    _ length: Int,
    _ buffer: AlignedBuffer
  ) async throws(DatastoreError) -> Bool {
    do throws(DatastoreError) {
      try await readChunk(digest, into: buffer, expecting: length)
      return true
    } catch .chunkCorrupt {
      let chunks = chunks
      let place = try await files.run { calls throws(DatastoreError) in
        try chunks.quarantine(digest, calls)
      }
      logger.error(
        "bad chunk",
        metadata: ["chunk": "\(digest)", "quarantine": "\(place ?? "none: it is sound by now")"]
      )
      return false
    } catch .chunkMissing {
      return false
    } catch .chunkEncrypted {
      return false
    } catch {
      throw error
    }
  }
}

extension ChunkStore {
  /// Puts a bad chunk aside and says where; nil if it isn't bad when nobody can change it meanwhile.
  func quarantine(_ digest: Digest, _ files: FileCalls) throws(DatastoreError) -> String? {
    let path = layout.file(of: digest)
    // Read once more alone with it: a backup may just have put a good one in its place.
    return try stripes.alone(with: digest) { () throws(DatastoreError) in
      guard try files.status(path) != nil, try !holds(digest, at: path, files) else { return nil }
      var target = layout.quarantine(of: digest, 0)
      for number in StoreLayout.quarantineNumbers {
        target = layout.quarantine(of: digest, number)
        if try files.status(target) == nil { break }
      }
      try files.rename(path, to: target)
      // It must not come back after a crash, with a backup meanwhile marked as whole.
      try files.syncDirectory(layout.folder(of: digest))
      return target
    }
  }

  private func holds(
    _ digest: Digest,
    at path: String,
    _ files: FileCalls
  ) throws(DatastoreError) -> Bool {
    guard case .bytes(let file) = try files.read(path, limit: DataBlob.maximumFileByteCount) else {
      return false
    }
    do throws(BlobError) {
      return try DataBlob.decode(file).withRawBytes { Digest(sha256: $0) } == digest
    } catch {
      // Of an encrypted one nothing can be said without its key.
      return error == .encrypted
    }
  }
}

extension DamagedPart {
  /// The part that an error tells of; nil: it tells of something else than damage.
  fileprivate init?(_ error: DatastoreError) {
    switch error {
    case .snapshotNotFound, .manifestCorrupt: self.init(.file, Manifest.fileName)
    case .blobCorrupt(let name), .indexCorrupt(let name), .encrypted(let name):
      self.init(.file, name)
    case .chunkMissing(let digest), .chunkCorrupt(let digest), .chunkEncrypted(let digest):
      self.init(.chunk, digest.description)
    case .notADatastore, .busy, .invalidName, .unmarkable, .timestampsIgnored, .outOfSpace, .io:
      return nil
    }
  }
}
