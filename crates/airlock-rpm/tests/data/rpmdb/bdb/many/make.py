"""Writes `many/Packages`: 150 small headers of our own in a Berkeley DB hash table with pages of 512 bytes, a third of
them deleted again, some replaced by larger ones. Needs python3-bsddb3."""
import struct
import sys
from bsddb3 import db

def header(number, filler):
    strings = {1000: f"pkg{number:03}", 1001: "1", 1002: str(number), 1004: "small " + "x" * filler}
    entries, data = [], b""
    for tag, text in strings.items():
        entries.append((tag, 6, len(data), 1))
        data += text.encode() + b"\0"
    data += b"\0" * (-len(data) % 4)
    entries.append((1006, 4, len(data), 1))
    data += struct.pack(">I", 1767225600 + number)
    entries.append((1022, 6, len(data), 1))
    data += b"noarch\0"
    # As rpm keeps it: the region first, whose trailer ends the data; then what rpm adds.
    count = len(entries) + 1
    trailer = struct.pack(">IIiI", 63, 7, -16 * count, 16)
    region = struct.pack(">IIII", 63, 7, len(data), 16)
    added = (1008, 4, len(data) + 16 + (-(len(data) + 16) % 4), 1)
    data += trailer
    data += b"\0" * (added[2] - len(data)) + struct.pack(">I", 1767225700 + number)
    index = region + b"".join(struct.pack(">IIII", *entry) for entry in entries) + struct.pack(">IIII", *added)
    return struct.pack(">II", count + 1, len(data)) + index + data

base = db.DB()
base.set_pagesize(512)
base.open(sys.argv[1], dbtype=db.DB_HASH, flags=db.DB_CREATE)
key = lambda number: struct.pack("<I", number)
base.put(key(0), struct.pack("<I", 150))
for number in range(1, 151):
    base.put(key(number), header(number, number % 60))
for number in range(1, 151, 3):
    base.delete(key(number))
for number in range(2, 151, 30):
    base.put(key(number), header(number, 900))
base.close()
