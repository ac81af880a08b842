import Foundation
import Testing

/// A second implementation of the format, in Python over zlib, hashlib and libzstd, written from
/// the description of the format alone: it makes stores for us to read and reads those we make.
enum PythonStore {
  /// What the other implementation says about one snapshot.
  struct Snapshot: Decodable, Equatable {
    var disks: [String: String]
    var blobs: [String: String]
    var unprotected: [String: [String: String]]
  }

  /// What the other implementation says about a store.
  struct Report: Decodable {
    var snapshots: [String: Snapshot]
    var strays: [String]
  }

  /// Why the script had no answer.
  struct Failure: Error { var output: String }

  /// Makes a store with one snapshot of two disks, and tells the digests of what is in it.
  static func write(_ root: String) throws -> Report { try run(["write", root]) }

  /// Reads a store by the letter of the format: any deviation fails or is a stray.
  static func read(_ root: String) throws -> Report { try run(["read", root]) }

  private static func run(_ arguments: [String]) throws -> Report {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", script] + arguments
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(output: String(decoding: data, as: UTF8.self))
    }
    return try JSONDecoder().decode(Report.self, from: data)
  }

  private static let script = #"""
    import calendar, ctypes, hashlib, json, os, re, struct, sys, time, zlib

    Z = ctypes.CDLL("libzstd.so.1")
    for name in ("ZSTD_decompress", "ZSTD_compressStream", "ZSTD_endStream"):
        getattr(Z, name).restype = ctypes.c_size_t
    Z.ZSTD_createCStream.restype = ctypes.c_void_p
    Z.ZSTD_initCStream.restype = ctypes.c_size_t

    class Buffer(ctypes.Structure):
        _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t), ("pos", ctypes.c_size_t)]

    def magic(text):
        return hashlib.sha256(text.encode()).digest()[:8]

    PLAIN = magic("Proxmox Backup uncompressed blob v1.0")
    PACKED = magic("Proxmox Backup zstd compressed blob v1.0")
    INDEX = bytes([47, 127, 65, 237, 145, 253, 15, 205])

    def sha(data):
        return hashlib.sha256(data).hexdigest()

    def pack(data):
        "A streamed frame, which doesn't announce the size of its content."
        stream = ctypes.c_void_p(Z.ZSTD_createCStream())
        Z.ZSTD_initCStream(stream, 1)
        out = ctypes.create_string_buffer(len(data) + 1024)
        source = ctypes.create_string_buffer(data, len(data))
        target = Buffer(ctypes.addressof(out), len(out), 0)
        Z.ZSTD_compressStream(
            stream, ctypes.byref(target),
            ctypes.byref(Buffer(ctypes.addressof(source), len(data), 0)))
        assert Z.ZSTD_endStream(stream, ctypes.byref(target)) == 0
        return out.raw[:target.pos]

    def repeat(byte, count):
        "A frame by hand: magic, no size, window, one block that repeats a byte."
        block = struct.pack("<I", count << 3 | 1 << 1 | 1)[:3]
        return struct.pack("<I", 0xFD2FB528) + bytes([0, 0x58]) + block + bytes([byte])

    def blob(kind, payload):
        return kind + struct.pack("<I", zlib.crc32(payload)) + payload

    def unwrap(data):
        assert len(data) >= 12, "short blob"
        payload = data[12:]
        assert struct.unpack("<I", data[8:12])[0] == zlib.crc32(payload), "checksum of a blob"
        if data[:8] == PLAIN:
            return payload
        assert data[:8] == PACKED, "magic of a blob"
        out = ctypes.create_string_buffer(5 << 20)
        count = Z.ZSTD_decompress(out, ctypes.c_size_t(len(out)), payload, ctypes.c_size_t(len(payload)))
        assert count <= len(out), "frame"
        assert len(payload) < count, "packed although that makes it longer"
        return out.raw[:count]

    def put(path, data):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def noise(seed, count):
        out = b""
        while len(out) < count:
            seed = hashlib.sha256(seed).digest()
            out += seed
        return out[:count]

    def put_index(path, size, chunk_size, digests):
        raw = b"".join(digests)
        head = INDEX + bytes(range(16)) + struct.pack("<q", 1767323045)
        head += hashlib.sha256(raw).digest() + struct.pack("<QQ", size, chunk_size)
        put(path, head + bytes(4096 - len(head)) + raw)
        return hashlib.sha256(raw).hexdigest()

    def write(root):
        def chunk(plain, data):
            name = sha(plain)
            put(f"{root}/.chunks/{name[:4]}/{name}", data)
            return bytes.fromhex(name)

        folder = f"{root}/ns/cli_golden/ns/inner/vm/vps_golden/2026-01-02T03:04:05Z"
        small, large = 1 << 16, 4 << 20
        one, two = noise(b"one", small), (b"two words " * small)[:small]
        fives, zero, tail = b"\5" * small, bytes(small), noise(b"tail", 1001)
        disk = one + two + zero + two + fives + tail
        digests = [
            chunk(one, blob(PLAIN, one)), chunk(two, blob(PACKED, pack(two))),
            chunk(zero, blob(PACKED, repeat(0, small))), chunk(two, blob(PACKED, pack(two))),
            chunk(fives, blob(PACKED, repeat(5, small))), chunk(tail, blob(PLAIN, tail))]
        files = [{
            "filename": "drive-virtio0.img.fidx", "crypt-mode": "none", "size": len(disk),
            "csum": put_index(f"{folder}/drive-virtio0.img.fidx", len(disk), small, digests)}]
        big = bytes(large) + bytes(513)
        digests = [
            chunk(bytes(large), blob(PACKED, pack(bytes(large)))),
            chunk(bytes(513), blob(PACKED, pack(bytes(513))))]
        files.append({
            "filename": "drive-scsi1.img.fidx", "crypt-mode": "none", "size": len(big),
            "csum": put_index(f"{folder}/drive-scsi1.img.fidx", len(big), large, digests)})
        config = blob(PLAIN, b"name: golden\n")
        put(f"{folder}/qemu-server.conf.blob", config)
        files.append({
            "filename": "qemu-server.conf.blob", "crypt-mode": "none", "size": len(config),
            "csum": sha(config)})
        unprotected = {"chunk_upload_stats": {"later": "kept as it is"}}
        manifest = {
            "backup-type": "vm", "backup-id": "vps_golden", "backup-time": 1767323045,
            "files": files, "unprotected": unprotected, "signature": None}
        text = json.dumps(manifest, indent=2).encode()
        put(f"{folder}/index.json.blob", blob(PACKED, pack(text)))
        put(f"{folder}/../owner", b"root@pam\n")
        return {"strays": [], "snapshots": {folder[len(root) + 1:]: {
            "disks": {
                "drive-virtio0.img.fidx": sha(disk), "drive-scsi1.img.fidx": sha(big)},
            "blobs": {"qemu-server.conf.blob": b"name: golden\n".hex()},
            "unprotected": unprotected}}}

    NAME = "[A-Za-z0-9_][A-Za-z0-9._-]*"
    GROUP = f"(?:ns/{NAME}/){{0,7}}vm/({NAME})"
    TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"

    def read_index(root, path, entry):
        data = open(path, "rb").read()
        assert data[:8] == INDEX, "magic of an index"
        assert data[80:4096] == bytes(4016), "padding of an index"
        created = struct.unpack("<q", data[24:32])[0]
        size, chunk_size = struct.unpack("<QQ", data[64:80])
        count = -(-size // chunk_size)
        assert len(data) == 4096 + 32 * count and count > 0, "length of an index"
        assert data[32:64] == hashlib.sha256(data[4096:]).digest(), "checksum of an index"
        assert entry["csum"] == data[32:64].hex() and entry["size"] == size, "manifest of an index"
        assert created > 0 and data[8:24] != bytes(16)
        disk = hashlib.sha256()
        for number in range(count):
            name = data[4096 + 32 * number:][:32].hex()
            plain = unwrap(open(f"{root}/.chunks/{name[:4]}/{name}", "rb").read())
            assert sha(plain) == name, "name of a chunk"
            assert len(plain) == min(chunk_size, size - number * chunk_size), "length of a chunk"
            disk.update(plain)
        return disk.hexdigest()

    def read_snapshot(root, path):
        folder, group, at = f"{root}/{path}", *path.rsplit("/", 2)[1:]
        manifest = json.loads(unwrap(open(f"{folder}/index.json.blob", "rb").read()))
        assert set(manifest) == {
            "backup-type", "backup-id", "backup-time", "files", "unprotected", "signature"}
        assert manifest["backup-type"] == "vm" and manifest["backup-id"] == group
        assert manifest["backup-time"] == calendar.timegm(time.strptime(at, "%Y-%m-%dT%H:%M:%SZ"))
        assert manifest["signature"] is None
        report = {"disks": {}, "blobs": {}, "unprotected": manifest["unprotected"]}
        for entry in manifest["files"]:
            assert set(entry) == {"filename", "crypt-mode", "size", "csum"}
            assert entry["crypt-mode"] == "none"
            name = entry["filename"]
            if name.endswith(".fidx"):
                report["disks"][name] = read_index(root, f"{folder}/{name}", entry)
            else:
                data = open(f"{folder}/{name}", "rb").read()
                assert len(data) == entry["size"] and sha(data) == entry["csum"], name
                report["blobs"][name] = unwrap(data).hex()
        listed = {entry["filename"] for entry in manifest["files"]} | {"index.json.blob"}
        assert set(os.listdir(folder)) == listed, os.listdir(folder)
        return report

    def read(root):
        report = {"snapshots": {}, "strays": []}
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.relpath(f"{folder}/{name}", root)
                if re.fullmatch(r"\.lock|\.rehome-sync\.json|\.chunks/([0-9a-f]{4})/\1[0-9a-f]{60}", path):
                    continue
                if re.fullmatch(f"{GROUP}/owner", path):
                    assert re.fullmatch(r"[^@\n]+@[^@\n]+\n", open(f"{root}/{path}").read())
                    continue
                if not re.fullmatch(f"{GROUP}/{TIME}/{NAME}\\.(fidx|blob)", path):
                    report["strays"].append(path)
                elif name == "index.json.blob":
                    report["snapshots"][os.path.dirname(path)] = read_snapshot(
                        root, os.path.dirname(path))
        return report

    print(json.dumps({"read": read, "write": write}[sys.argv[1]](sys.argv[2])))
    """#
}
