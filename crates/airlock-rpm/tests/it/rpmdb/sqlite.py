"""Writes sqlite databases of installed packages with sqlite itself, for the tests beside it.

    sqlite.py list FILE                      number and SHA-256 of every header, as sqlite reads them
    sqlite.py grow FILE OUT PAGE_SIZE COUNT  a database of COUNT packages, some deleted, some replaced by larger ones
    sqlite.py hold FILE                      a write-ahead log with committed and uncommitted changes; holds it open until
                                             a line comes, copies it into the file, and holds again
    sqlite.py churn FILE MODE                changes all packages in one transaction after the other until a line comes
"""
import hashlib
import sqlite3
import sys
import threading

what, file, *rest = sys.argv[1:]


def blobs(base):
    return base.execute("select hnum, blob from Packages order by hnum").fetchall()


def say(text):
    print(text, flush=True)


if what == "list":
    for number, blob in blobs(sqlite3.connect(f"file:{file}?mode=ro", uri=True)):
        say(f"{number} {hashlib.sha256(blob).hexdigest()}")
elif what == "grow":
    out, size, count = rest[0], int(rest[1]), int(rest[2])
    source = blobs(sqlite3.connect(f"file:{file}?immutable=1", uri=True))
    base = sqlite3.connect(out)
    base.execute(f"pragma page_size = {size}")
    base.execute("create table 'Other' (text)")
    base.execute("create table 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)")
    for number in range(1, count + 1):
        base.execute("insert into Packages values (?, ?)", (number, source[number % len(source)][1]))
        base.execute("insert into Other values (?)", ("between " * (number % 40),))
    for number in range(3, count, 7):
        base.execute("delete from Packages where hnum = ?", (number,))
    largest = max((blob for _, blob in source), key=len)
    for number in range(5, count, 11):
        base.execute("update Packages set blob = ? where hnum = ?", (largest, number))
    base.commit()
elif what == "hold":
    base = sqlite3.connect(file, isolation_level=None)
    base.execute("pragma journal_mode = wal")
    base.execute("pragma wal_autocheckpoint = 0")
    rows = blobs(base)
    base.execute("begin")
    base.execute("delete from Packages where hnum = ?", (rows[0][0],))
    base.execute("insert into Packages values (1000, ?)", (rows[1][1],))
    base.execute("commit")
    # Begun and not ended, with more pages than the cache takes, so that they get into the log.
    base.execute("pragma cache_size = 1")
    base.execute("begin")
    base.execute("delete from Packages where hnum = 1000")
    for number in range(2000, 2100):
        base.execute("insert into Packages values (?, ?)", (number, rows[2][1]))
    say("ready")
    sys.stdin.readline()
    base.execute("rollback")
    base.execute("pragma wal_checkpoint(TRUNCATE)")
    say("ready")
    sys.stdin.readline()
elif what == "churn":
    base = sqlite3.connect(file, isolation_level=None, timeout=10)
    base.execute(f"pragma journal_mode = {rest[0]}")
    base.execute("pragma synchronous = off")
    # Few pages, so that the log is copied into the file and begins anew all the time.
    base.execute("pragma wal_autocheckpoint = 20")
    rows = [blob for _, blob in blobs(base)]
    ends = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), ends.set()), daemon=True).start()
    generation = 0
    while not ends.is_set():
        generation += 1
        base.execute("begin immediate")
        base.execute("delete from Packages")
        for position in range(20):
            blob = rows[(generation + position) % len(rows)]
            base.execute("insert into Packages values (?, ?)", (generation * 100 + position, blob))
        base.execute("commit")
        if generation == 3:
            say("ready")
        # As in a transaction of rpm, scripts and unpacking leave the database alone for a while.
        if generation % 5 == 0:
            ends.wait(0.12)
    say(str(generation))
