"""What the thrash knows: guests, backups and what is in them, and what went wrong."""
import collections
import contextlib
import sqlite3
import threading
import time


class World:
    """Shared by all threads."""

    def __init__(self, server, libvirt, work):
        self.server, self.libvirt, self.work = server, libvirt, work
        self.lock = threading.Lock()
        self.is_ending = threading.Event()
        self.backups = {}
        """Complete backups: their VPS and their content."""
        self.removed = set()
        """Backups that somebody asked to be deleted, with whatever answer."""
        self.contents = {}
        """Every content by its sums, with its story, to tell what was found where it mustn't be."""
        self.jobs = {}
        """Accepted jobs with the state in which they ended; None until then."""
        self.counts = collections.Counter()
        self.violations = []
        self.is_closed = False
        """Whether server and guests are being taken away, which is nobody's fault."""

    def say(self, text):
        with self.lock:
            with open(self.work / "story.log", "a", encoding="utf-8") as log:
                print(f"{time.strftime('%H:%M:%S')} {text}", file=log)

    def violate(self, text):
        if self.is_closed:
            return
        self.say(f"VIOLATION {text}")
        with self.lock:
            self.violations.append(text)
        print(f"violation: {text}", flush=True)

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def know(self, content, story):
        with self.lock:
            self.contents.setdefault(content, story)

    def story(self, content):
        return self.contents.get(content, "a content that never was")

    def accept(self, job):
        with self.lock:
            self.jobs.setdefault(job, None)

    def ended(self, job, state):
        with self.lock:
            self.jobs[job] = state

    def add_backup(self, backup, vps, content):
        with self.lock:
            self.backups[backup] = (vps, content)

    def complete_backups(self):
        with self.lock:
            return {
                name: at for name, at in self.backups.items() if name not in self.removed}

    def rows(self, statement, *values):
        """Reads the catalog as it is, whoever works with it."""
        path = self.server.folder / "catalog.sqlite"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(statement, values).fetchall()
