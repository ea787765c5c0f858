"""Limits of CPU, by control groups of Linux where this process may make them."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Self

import attrs

_ROOT = Path("/sys/fs/cgroup")
_PERIOD = 100_000
"""Microseconds in which a limit of 1000 millicores allows as many of CPU time."""
_LEAST = 1000
"""The lowest limit that there is."""
_PREFIX = "agentserver-"
_ATTEMPTS, _PAUSE = 100, 0.01


@attrs.frozen
class CpuLimits:
    """Groups below that of the server, one for each sandbox."""

    _parent: Path
    is_version_2: bool

    @classmethod
    def find(cls, root: Path = _ROOT) -> Self | None:
        """Return the limits that can be set here; None if there are none."""
        own = Path("/proc/self/cgroup")
        for line in own.read_text().splitlines() if own.exists() else ():
            _, controllers, path = line.split(":", 2)
            if "cpu" in controllers.split(","):
                found = cls(root / controllers / path.lstrip("/"), is_version_2=False)
            elif not controllers:
                found = cls(root / path.lstrip("/"), is_version_2=True)
            else:
                continue
            if found.work():
                return found
        return None

    def work(self) -> bool:
        """Return whether a group can be made and limited."""
        name = f"try-{os.getpid()}"
        try:
            self._make(name, 1000)
        except OSError:
            return False
        finally:
            self.remove(name)
        return True

    def add(self, name: str, number: int, millicores: int) -> None:
        """Limit a process, and all that it starts, in the group of this name.

        Raises OSError.
        """
        try:
            (self._make(name, millicores) / "cgroup.procs").write_text(str(number))
        except OSError:  # a server that has just started may have removed the empty group
            (self._make(name, millicores) / "cgroup.procs").write_text(str(number))

    def _make(self, name: str, millicores: int) -> Path:
        group = self._group(name)
        group.mkdir(exist_ok=True)
        if not (group / "cgroup.procs").exists():
            raise FileNotFoundError(f"{self._parent} is no control group")
        quota = max(_LEAST, millicores * _PERIOD // 1000)
        if not self.is_version_2:
            (group / "cpu.cfs_period_us").write_text(str(_PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(quota))
            return group
        if not (group / "cpu.max").exists():
            (self._parent / "cgroup.subtree_control").write_text("+cpu")
        (group / "cpu.max").write_text(f"{quota} {_PERIOD}")
        return group

    def remove(self, name: str) -> None:
        """Remove a group whose processes have ended."""
        _remove(self._group(name))

    def remove_empty(self) -> None:
        """Remove the groups that servers which were killed have left."""
        for group in self._parent.glob(f"{_PREFIX}*"):
            _remove(group)

    def _group(self, name: str) -> Path:
        return self._parent / f"{_PREFIX}{name}"


def _remove(group: Path) -> None:
    """Remove a group, unless a process is in it; one that has just ended keeps it for a moment."""
    for _ in range(_ATTEMPTS):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            procs = group / "cgroup.procs"
            if not procs.exists() or procs.read_text():
                return
            time.sleep(_PAUSE)
        else:
            return
