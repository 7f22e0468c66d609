"""Limits and memory of a process: no core dump, swap that is told, enough open files."""

import subprocess
import sys
from pathlib import Path

import pytest

from referral_line.errors import Danger
from referral_line.telemetry import process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="what Linux alone can tell")

IN_A_PROCESS = """
import os, resource
from referral_line.telemetry.process import check_process, keep_no_core, raise_file_limit
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
before = [finding.id for finding in check_process()]
keep_no_core(); raise_file_limit()
after = [finding.id for finding in check_process()]
print("core-dumps-on" in before, "few-open-files" in before)
print("core-dumps-on" in after, "few-open-files" in after)
print(resource.getrlimit(resource.RLIMIT_CORE)[0], resource.getrlimit(resource.RLIMIT_NOFILE)[0])
os.abort()
"""


def test_no_core_is_dumped(tmp_path: Path) -> None:
    """A process that asks for it leaves no dump when it crashes, whatever the limit allowed."""
    done = subprocess.run(
        [
            *("/bin/sh", "-c", 'ulimit -c unlimited 2>/dev/null; exec "$@"', "sh"),
            *(sys.executable, "-c", IN_A_PROCESS),
        ],
        capture_output=True,
        check=False,
        cwd=tmp_path,
        text=True,
    )
    assert done.stdout.split() == ["True", "True", "False", "False", "0", "4096"], done.stderr
    assert done.returncode == -6
    assert list(tmp_path.iterdir()) == []


def machine(folder: Path, swaps: str, *, swap_max: str = "max", uuid: str = "LVM-1") -> Path:
    """A machine's own files, as far as swap is concerned."""
    for path, text in {
        "proc/swaps": "Filename\t\t\tType\t\tSize\tUsed\tPriority\n" + swaps,
        "proc/self/cgroup": "0::/system.slice/referral-line.service\n",
        "sys/fs/cgroup/system.slice/referral-line.service/memory.swap.max": f"{swap_max}\n",
        "sys/block/dm-1/dm/uuid": f"{uuid}\n",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("swaps", "swap_max", "uuid", "is_found"),
    [
        pytest.param("", "max", "", False, id="no swap"),
        pytest.param("/dev/sda2 partition 1 0 -2\n", "max", "", True, id="a disk"),
        pytest.param("/swapfile file 1 0 -2\n", "max", "", True, id="a file"),
        pytest.param("/dev/zram0 partition 1 0 5\n", "max", "", False, id="compressed memory"),
        pytest.param("/dev/dm-1 partition 1 0 5\n", "max", "CRYPT-PLAIN-x", False, id="encrypted"),
        pytest.param("/dev/dm-1 partition 1 0 5\n", "max", "LVM-abc", True, id="a volume"),
        pytest.param("/dev/sda2 partition 1 0 -2\n", "0", "", False, id="none for this service"),
    ],
)
def test_swap_that_could_keep_callers_is_told(
    tmp_path: Path, swaps: str, swap_max: str, uuid: str, is_found: bool
) -> None:
    """Swap on a disk is told unless it is encrypted, or this service may use none."""
    found = process.check_process(machine(tmp_path, swaps, swap_max=swap_max, uuid=uuid))
    swap = [finding for finding in found if finding.id == "swap-unencrypted"]
    assert bool(swap) is is_found
    for finding in swap:
        assert finding.danger is Danger.EXPOSED
        assert swaps.split(maxsplit=1)[0] in finding.text
        assert "swapoff" in finding.remedy


def test_machine_that_tells_nothing_is_no_fault(tmp_path: Path) -> None:
    """Without /proc, as on other systems, nothing is claimed."""
    assert "swap-unencrypted" not in {found.id for found in process.check_process(tmp_path)}
