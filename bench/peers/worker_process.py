"""A contender's process, seen from the coordinator: commands out, a line of JSON back. Standard library only."""

import json
import pathlib
import subprocess


class CannotTakePart(Exception):
    """The contender does not offer this here, or died; its message says why."""


class WorkerProcess:
    """Starts `command`; `hello` is its first line. What it writes to stderr goes into the file `log`."""

    def __init__(self, command, log):
        self._log = pathlib.Path(log)
        with open(log, "w", encoding="utf-8") as errors:
            self._process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                             stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            self.hello = self._read()
        except CannotTakePart:
            self.close()
            raise

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            words = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            raise CannotTakePart(words[-1] if words else f"ended with exit code {self._process.returncode}")
        try:
            return json.loads(line)
        except json.JSONDecodeError:
            raise CannotTakePart(f"said '{line.strip()[:200]}', expected a line of JSON") from None

    def ask(self, command):
        """One command's answer. Throws CannotTakePart with the worker's last words where it died."""
        try:
            self._process.stdin.write(command + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # _read() says why
        return self._read()

    def close(self):
        """The end of its input ends a worker."""
        try:
            self._process.stdin.close()
        except BrokenPipeError:
            pass
        self._process.wait()
        self._process.stdout.close()
