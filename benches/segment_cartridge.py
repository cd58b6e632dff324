#!/usr/bin/env python3
"""Whole runs of `herscope segment` on simulated cartridges of 20, 60 and 175 frames.

    python3 benches/segment_cartridge.py [--herscope PATH] [--frames 20,60,175] [--threads N]

Makes each cartridge (frames of 1384 x 1036 pixels and four channels, LZW) in a temporary folder,
segments it in full mode on the CPU engine and prints a table: seconds by the clock, CPU seconds,
peak memory, CPU seconds a frame, and the growth of CPU time over the growth of the frames, which is
1 where the cost is linear. Making the cartridges is not timed. Needs Linux and about 800 MB of disk.
"""

import argparse
import os
import subprocess
import tempfile
import time

GRIDS = {20: "4x5", 60: "5x12", 140: "4x35", 175: "5x35", 210: "6x35"}


def timed(command):
    """Seconds, CPU seconds and peak memory in MB of a command."""
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"failed: {' '.join(command)}")
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--herscope", default="target/release/herscope")
    parser.add_argument("--frames", default="20,60,175")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--repeats", type=int, default=1)
    args = parser.parse_args()
    common = ["--device", "cpu", "--quiet", "--force", "--threads", str(args.threads)]
    print("| frames | threads | s | CPU s | peak MB | CPU s a frame | growth / growth of frames |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    before = None
    with tempfile.TemporaryDirectory() as folder:
        for n in (int(text) for text in args.frames.split(",")):
            archive, out = os.path.join(folder, f"cartridge{n}"), os.path.join(folder, "out")
            cells = {"--n-ctc": 200, "--n-leukocytes": 2000, "--n-debris": 500}
            drawn = [part for flag, many in cells.items() for part in (flag, str(many * n // 175))]
            simulate = [args.herscope, "simulate", "cartridge", "--out", archive, "--seed", "1"]
            subprocess.run(
                simulate + ["--frames", str(n), "--grid", GRIDS[n]] + drawn + common,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            command = [args.herscope, "segment", archive, "--out", out] + common
            runs = [timed(command) for _ in range(args.repeats)]
            seconds, cpu, peak = min(runs, key=lambda run: run[1])
            growth = "" if before is None else f"{cpu / before[1] / (n / before[0]):.2f}"
            print(
                f"| {n} | {args.threads} | {seconds:.1f} | {cpu:.1f} | {peak:.0f} "
                f"| {cpu / n:.3f} | {growth} |",
                flush=True,
            )
            before = (n, cpu)
    print(f"\nload {os.getloadavg()[0]:.1f} at the end, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
