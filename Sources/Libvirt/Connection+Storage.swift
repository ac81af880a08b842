import CLibvirt

extension Connection {
  /// Looks at the folder of the storage pool at `path` again.
  ///
  /// - Returns: False if no active pool is there; libvirts without storage know no pool at all.
  @discardableResult
  package func refreshPool(at path: String) throws(LibvirtError) -> Bool {
    let pool: OpaquePointer
    do throws(LibvirtError) {
      unsafe pool = try unsafe LibvirtError.check(
        virStoragePoolLookupByTargetPath(pointer, path),
        "virStoragePoolLookupByTargetPath"
      )
    } catch {
      switch error.code {
      case .noStoragePool, .noSupport: return false
      default: throw error
      }
    }
    defer { unsafe virStoragePoolFree(pool) }
    guard unsafe virStoragePoolIsActive(pool) == 1 else { return false }
    try unsafe LibvirtError.check(virStoragePoolRefresh(pool, 0), "virStoragePoolRefresh")
    return true
  }

  /// The path of a volume that a domain names by pool and volume; nil if there is none.
  package func volumePath(pool: String, volume: String) throws(LibvirtError) -> String? {
    do throws(LibvirtError) {
      let poolPointer = try unsafe LibvirtError.check(
        virStoragePoolLookupByName(pointer, pool),
        "virStoragePoolLookupByName"
      )
      defer { unsafe virStoragePoolFree(poolPointer) }
      let volumePointer = try unsafe LibvirtError.check(
        virStorageVolLookupByName(poolPointer, volume),
        "virStorageVolLookupByName"
      )
      defer { unsafe virStorageVolFree(volumePointer) }
      return try unsafe LibvirtError.check(
        virStorageVolGetPath(volumePointer),
        "virStorageVolGetPath"
      )
    } catch {
      switch error.code {
      case .noStoragePool, .noStorageVolume, .noSupport: return nil
      default: throw error
      }
    }
  }
}
