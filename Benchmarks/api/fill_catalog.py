#!/usr/bin/env python3
"""Fills a catalog that `rehome` has made with clients, VPSs and backups, for measuring.

fill_catalog.py CATALOG --vps N --backups-per-vps N --client ID

Every client has ten VPSs. The first ones are the named client's, which has a key already. Prints,
as JSON, the identifiers that a benchmark asks for.
"""
import argparse
import json
import random
import sqlite3
import time
import uuid

GIB = 1 << 30
VPS_PER_CLIENT = 10
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def identifier(prefix, number, generator):
    """A ULID whose order is that of the numbers, as if they had been made one after the other."""
    value = (1_700_000_000_000 + number) << 80 | generator.getrandbits(80)
    return f"{prefix}_" + "".join(ALPHABET[value >> 5 * place & 31] for place in range(25, -1, -1))


def observation(now):
    return json.dumps({
        "observedAt": now, "isMissing": False, "powerState": "running", "isPersistent": True,
        "hasSavedState": False, "snapshotCount": 0, "foreignCheckpoints": [], "activity": "none",
        "definitionsAgree": True, "firmware": "bios", "hasTPM": False,
        "disks": [{
            "device": "vda", "bus": "virtio", "storage": "file", "format": "qcow2",
            "path": "/var/lib/machines/disk.qcow2", "sizeBytes": 40 * GIB, "logicalBlockSize": 512,
            "freeBytes": 4000 * GIB,
        }],
        "macAddresses": ["52:54:00:00:00:01"], "cpuCores": 2, "memoryBytes": 2 * GIB,
    })


CONTENTS = json.dumps({
    "disks": [{
        "device": "vda", "bus": "virtio", "archive": "drive-virtio0.img.fidx",
        "sizeBytes": 40 * GIB, "nonZeroBytes": 8 * GIB, "logicalBlockSize": 512,
    }],
    "firmware": "bios", "hasTPM": False, "isFrozen": True,
})


def insert(database, table, rows):
    """Inserts rows that are dictionaries with the same keys."""
    names = list(rows[0])
    places = ", ".join(f":{name}" for name in names)
    database.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places})", rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("catalog")
    parser.add_argument("--vps", type=int, required=True)
    parser.add_argument("--backups-per-vps", type=int, default=10)
    parser.add_argument("--client", required=True)
    options = parser.parse_args()
    generator = random.Random(1)
    now = int(time.time() * 1000)
    database = sqlite3.connect(options.catalog)
    database.execute("PRAGMA synchronous = OFF")
    columns = {row[1] for row in database.execute("PRAGMA table_info(vps)")}
    seen = observation(now)
    clients = [options.client] + [
        identifier("cli", number, generator)
        for number in range(1, (options.vps + VPS_PER_CLIENT - 1) // VPS_PER_CLIENT)
    ]
    if clients[1:]:
        insert(database, "client", [
            {"id": client, "name": f"client-{number}", "created_at": now}
            for number, client in enumerate(clients[1:])
        ])
    machines = []
    for number in range(options.vps):
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        machine = {
            "id": identifier("vps", number, generator), "client_id": clients[number // VPS_PER_CLIENT],
            "node": "local", "domain_name": f"d{number}", "domain_uuid": str(uuid.UUID(int=number)),
            "name": f"web{number}", "name_folded": f"web{number}", "hostname": f"web{number}",
            "service_status": "active",
            "network": f"version: 2\nethernets:\n  e0:\n    addresses: [{address}/8]\n",
            "created_at": now, "observation": seen,
        }
        if "primary_ip" in columns:
            machine["primary_ip"] = address
        machines.append(machine)
    insert(database, "vps", machines)
    backups = []
    for number, machine in enumerate(machines):
        for turn in range(options.backups_per_vps):
            place = number * options.backups_per_vps + turn
            backups.append({
                "id": identifier("bkp", place, generator), "client_id": machine["client_id"],
                "vps_id": machine["id"], "state": "complete", "type": "manual",
                "created_at": now - 86_400_000 * (turn + 1), "snapshot_path": f"ns/x/vm/{place}",
                "contents": CONTENTS,
            })
    insert(database, "backup", backups)
    database.execute("UPDATE node SET heartbeat_at = ?", (now + 86_400_000,))
    database.commit()
    database.execute("ANALYZE")
    database.commit()
    own = machines[:VPS_PER_CLIENT]
    print(json.dumps({
        "vps": [machine["id"] for machine in own],
        "backup": next(b["id"] for b in backups if b["vps_id"] == own[0]["id"]),
    }))


main()
