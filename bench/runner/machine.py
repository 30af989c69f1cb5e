"""Facts of the machine, and what its disk can do."""

import os
import pathlib
import platform
import time

BLOCK = 4096


def facts(folder):
    return {
        "cores": os.cpu_count(),
        "cpu": cpu_model(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": platform.release(),
        "file_system": file_system(folder),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def cpu_model():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def file_system(folder):
    """The type of the file system that holds `folder`."""
    best, kind = "", "unknown"
    path = str(pathlib.Path(folder).resolve())
    for line in pathlib.Path("/proc/mounts").read_text().splitlines():
        _, mount, fs, *_ = line.split()
        inside = mount == "/" or path == mount or path.startswith(mount + "/")
        if inside and len(mount) >= len(best):
            best, kind = mount, fs
    return kind


def fdatasync_ms(folder, seconds):
    """Milliseconds of each write and fdatasync of 4 KiB, one after the other, to a file that grows, as a log does."""
    path = pathlib.Path(folder, "fdatasync.probe")
    block = os.urandom(BLOCK)
    file = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    times = []
    try:
        until = time.monotonic() + seconds
        while not times or time.monotonic() < until:
            began = time.perf_counter()
            os.write(file, block)
            os.fdatasync(file)
            times.append((time.perf_counter() - began) * 1000)
    finally:
        os.close(file)
        path.unlink()
    return times


def percentile(values, share):
    ordered = sorted(values)
    return ordered[int(share * (len(ordered) - 1))]


def folder_bytes(folder, suffix=""):
    """Of all files below whose name ends so. A file that goes away meanwhile counts nothing."""
    total = 0
    for path in pathlib.Path(folder).rglob("*" + suffix):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            pass
    return total


def process_bytes(pid, field):
    """`VmRSS` or `VmHWM` of a process."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/status has no {field}")


def reset_peak(pid):
    """VmHWM starts anew from what the process holds now."""
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")


def forget_pages(folder):
    """Drops what the page cache holds of the files below."""
    for path in pathlib.Path(folder).rglob("*"):
        if not path.is_file():
            continue
        file = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(file)
