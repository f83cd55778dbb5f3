"""How much memory this process may still take, asked before a large array is made and not after."""

from __future__ import annotations

from pathlib import Path

_GB = 1e9


class NotEnoughMemoryError(MemoryError):
    """There is too little free memory; the message says how much, and what to write instead."""


def free_bytes() -> int:
    """Return how many bytes this process can still allocate.

    The least of what the machine has available, what the control groups (version 1 or 2) of a container leave, and
    what RLIMIT_AS leaves.
    """
    import psutil

    return max(0, min([int(psutil.virtual_memory().available), *_control_group_free(), *_address_space_free()]))


def require(needed_bytes: int, what: str, instead: str) -> None:
    """Raise NotEnoughMemoryError unless `needed_bytes` are free.

    `what` begins the sentence ("100,000,000 accounts"), `instead` is the sentence that says what to write.
    """
    free = free_bytes()
    if needed_bytes > free:
        raise NotEnoughMemoryError(
            f"{what}: this needs {needed_bytes / _GB:,.2f} GB of memory, and {free / _GB:,.2f} GB are free here. "
            f"Nothing has been allocated. {instead}"
        )


def _control_group_free(root: Path = Path("/")) -> list[int]:
    """Return what each control group with a limit leaves, from this process's own group up to the outermost."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            mount, limit, used = root / "sys/fs/cgroup", "memory.max", "memory.current"
        elif "memory" in controllers.split(","):
            mount, limit, used = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        folder = mount / group.lstrip("/")
        for level in (folder, *folder.parents):
            if level.is_relative_to(mount):
                found += _group_free(level, limit, used)
    return found


def _group_free(folder: Path, limit: str, used: str) -> list[int]:
    try:
        most = (folder / limit).read_text(encoding="utf-8").strip()
        in_use = int((folder / used).read_text(encoding="utf-8"))
        counts = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="utf-8").splitlines())
        # Pages of files that nobody has touched lately count as used, and are given back when memory is wanted.
        idle = int(counts.get("total_inactive_file", counts.get("inactive_file", 0)))
        return [] if most == "max" else [int(most) - in_use + idle]
    except (OSError, ValueError):
        return []


def _address_space_free() -> list[int]:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return []
    import psutil

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return [] if limit == resource.RLIM_INFINITY else [limit - int(psutil.Process().memory_info().vms)]
