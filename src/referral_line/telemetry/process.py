"""What memory and limits of this process could betray: core dumps, swap, too few open files."""

import ctypes
import sys
from pathlib import Path

from referral_line.errors import Danger, Finding

if sys.platform != "win32":
    import resource  # not there on Windows, where the demo runs too

ENOUGH_FILES = 4096
"""Open files that a busy worker may need: one a connection, and those of the session store."""

_PR_GET_DUMPABLE = 3
_PR_SET_DUMPABLE = 4
"""From the kernel's ``linux/prctl.h``; see prctl(2)."""


def keep_no_core() -> None:
    """Let no core dump of this process be written, and nobody else read its memory.

    A limit of zero is not enough: a dump that is piped to a program ignores it (core(5)). So the
    process is also marked as not dumpable, which keeps other processes of the same user from its
    memory and environment too. Each process needs it anew: starting a program resets it.
    """
    if sys.platform == "win32":
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def raise_file_limit() -> None:
    """Take as many open files as the system allows, up to a number that is enough."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = ENOUGH_FILES if hard == resource.RLIM_INFINITY else min(hard, ENOUGH_FILES)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def check_process(root: Path = Path("/")) -> list[Finding]:
    """Find what would betray callers, or turn them away, by the limits of this process.

    Args:
        root: Where ``proc`` and ``sys`` are; another folder in tests.
    """
    return [*_check_core(), *_check_files(), *_check_swap(root)]


def _check_core() -> list[Finding]:
    if sys.platform != "linux" or ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0:
        return []
    return [
        Finding(
            "core-dumps-on",
            Danger.EXPOSED,
            "a crash may write this process's memory to a file",
            "let the process call prctl, or set kernel.core_pattern to an empty name",
        )
    ]


def _check_files() -> list[Finding]:
    if sys.platform == "win32":
        return []
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= ENOUGH_FILES:
        return []
    return [
        Finding(
            "few-open-files",
            Danger.RISK,
            f"this process may open {soft} files; at a busy hour it would refuse callers",
            f"set LimitNOFILE={ENOUGH_FILES} (systemd) or ulimit -n {ENOUGH_FILES}",
        )
    ]


def _check_swap(root: Path) -> list[Finding]:
    """Find swap on a disk that is not encrypted, unless this process can't use any."""
    devices = [device for device in _swap_devices(root) if not _is_safe(root, device)]
    if not devices or _has_no_swap(root):
        return []
    return [
        Finding(
            "swap-unencrypted",
            Danger.EXPOSED,
            f"memory may be written to disk: swap without encryption on {', '.join(devices)}",
            "turn swap off (swapoff -a), encrypt it, or give this service none "
            "(MemorySwapMax=0 in systemd; --memory-swap equal to --memory for a container)",
        )
    ]


def _swap_devices(root: Path) -> list[str]:
    try:
        lines = (root / "proc/swaps").read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return []
    return [line.split()[0] for line in lines if line.strip()]


def _is_safe(root: Path, device: str) -> bool:
    """Whether a device is compressed memory, or encrypted by the device mapper."""
    name = Path(device).name
    if name.startswith("zram"):
        return True
    try:
        uuid = (root / "sys/block" / name / "dm/uuid").read_text(encoding="utf-8")
    except OSError:
        return False
    return uuid.startswith("CRYPT-")


def _has_no_swap(root: Path) -> bool:
    """Whether this process's control group, or one above it, may use no swap (cgroups(7))."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    top = root / "sys/fs/cgroup"
    place = next((line[3:].strip("/") for line in lines if line.startswith("0::")), "")
    for folder in (top / place, *(top / place).parents):
        try:
            if (folder / "memory.swap.max").read_text(encoding="utf-8").strip() == "0":
                return True
        except OSError:
            pass
        if folder == top:
            break
    return False
