import Guest
import Hypervisor
import Model
import Operations

/// The cloud-init seed of an operator's own that a domain already has.
struct AdoptedSeed {
  /// Where it is.
  let path: String
  /// Its user-data; nil when it has none.
  let userData: String?
  /// Its network, as far as it is netplan version 2.
  let network: NetworkConfiguration?

  /// Finds the seed among a domain's disks; one that is there must be allowed to be taken over.
  static func find(
    in domain: DomainDescription,
    isAllowed: Bool
  ) async throws(CommandFailure) -> AdoptedSeed? {
    for disk in domain.inactiveDisks {
      guard disk.sourceType == .file || disk.sourceType == .block, let path = disk.sourcePath,
        try await isSeed(path, isData: disk.isDataDisk)
      else { continue }
      // A writable one would count as one of the guest's data disks.
      guard !disk.isDataDisk else {
        throw .seedNotUsable(
          path: path,
          reason: "it is attached writable; attach it read-only, as a CD-ROM."
        )
      }
      guard isAllowed else { throw .seedNotAdopted(path: path) }
      return try await read(path)
    }
    return nil
  }

  /// Whether a disk is a seed.
  ///
  /// That a data disk can't be read, the observation tells. Of another one that can't be read nobody knows: a
  /// seed that was passed over would stay beside ours, and a guest that finds two takes either.
  private static func isSeed(
    _ path: String,
    isData: Bool
  ) async throws(CommandFailure) -> Bool {
    do throws(SeedError) {
      return try await SeedReader.isSeed(path)
    } catch {
      guard case .io(_, _, let number) = error, !isData else { return false }
      throw .seedNotUsable(
        path: path,
        reason: "it can't be read (error number \(number)), so nobody knows whether it is one. "
          + "Run this as a user who may read it, or remove the disk from the domain."
      )
    }
  }

  private static func read(_ path: String) async throws(CommandFailure) -> AdoptedSeed {
    do throws(SeedError) {
      let contents = try await SeedReader.read(path)
      return AdoptedSeed(
        path: path,
        userData: contents.userData,
        network: network(contents.networkConfig)
      )
    } catch {
      throw .seedNotUsable(path: path, reason: error.words)
    }
  }

  /// Other forms of a network than netplan's can't be re-applied, so they aren't taken over.
  private static func network(_ text: String?) -> NetworkConfiguration? {
    guard let text else { return nil }
    do throws(NetworkConfigurationFault) {
      return try NetworkConfiguration(text: text)
    } catch {
      return nil
    }
  }
}

extension SeedError {
  fileprivate var words: String {
    switch self {
    case .io(let operation, _, let number): "\(operation) failed with error number \(number)."
    case .notFound: "it isn't there."
    case .outOfSpace: "there is no space to unpack it."
    case .unreadable(_, let reason): "\(reason)."
    case .tooLong(let file): "its \(file) is longer than Rehome takes over."
    case .notText(let file): "its \(file) isn't UTF-8 text."
    case .tool(let message): "xorriso says: \(message)"
    }
  }
}
