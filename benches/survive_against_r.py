#!/usr/bin/env python3
"""Whole commands: `herscope survive` against `Rscript` with coxph, on the same files, alternately.

    benches/survive_against_r.py [--sizes 10000,100000,1000000] [--covariates 1,5] [--repeats 3]
    benches/survive_against_r.py --shapes     # growth of herscope alone: ties, entries, strata ...

Needs Python 3, Rscript with the package survival, and cargo. Data are simulated, the same bytes in
every run, and stay in a temporary folder. Times are medians from start to exit of a process, memory
is the largest resident set over the repeats. Ends with an error if a coefficient of the two
programs differs by more than 1e-8.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOLERANCE = 1e-8

R_SCRIPT = r"""
arguments <- commandArgs(TRUE)
clock <- function() proc.time()[["elapsed"]]
suppressMessages(library(survival))
t0 <- clock()
d <- switch(arguments[3],
  guessed = read.csv(arguments[1]),
  typed = read.csv(arguments[1], colClasses = "numeric"),
  fread = data.table::fread(arguments[1])
)
t1 <- clock()
terms <- paste0("x", seq_len(as.integer(arguments[2])), collapse = " + ")
fit <- coxph(as.formula(paste("Surv(time, event) ~", terms)), d)
t2 <- clock()
cat(sprintf("%.17g", coef(fit)), "\n")
cat(t1 - t0, t2 - t1, "\n")
"""

R_VERSIONS = """
cat(R.version.string, '; survival', format(packageVersion('survival')), '; data.table ')
has_fread <- requireNamespace('data.table', quietly = TRUE)
cat(if (has_fread) format(packageVersion('data.table')) else 'not installed')
"""


# Reads a document in a process of its own, so that this one stays small: what a child inherits at
# its start counts as its peak.
COEFFICIENTS = "import json, sys; print(*(t['coef'] for t in json.load(sys.stdin)['cox']['terms']))"


class Run:
    """One finished process: seconds from start to exit, CPU seconds, peak bytes, what `read` makes
    of its output file."""

    def __init__(self, command, read=lambda out: None):
        with tempfile.TemporaryFile() as out:
            begin = time.perf_counter()
            process = subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE)
            message = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            if process.returncode != 0:
                sys.exit(f"{command[0]} ended with {process.returncode}: {message.decode()}")
            self.cpu = usage.ru_utime + usage.ru_stime
            # Linux counts in kilobytes, macOS in bytes.
            self.peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            out.seek(0)
            self.output = read(out)


def lines(out):
    return out.read().decode().split("\n")


def coefficients(out):
    command = [sys.executable, "-c", COEFFICIENTS]
    found = subprocess.run(command, stdin=out, capture_output=True, check=True)
    return [float(coef) for coef in found.stdout.split()]


def build():
    command = ["cargo", "build", "--release", "--no-default-features", "--bin", "herscope"]
    subprocess.run(command + ["--example", "simulate_cohort"], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    return target / "herscope", target / "examples" / "simulate_cohort"


def simulate(simulator, path, *arguments):
    with open(path, "wb") as out:
        subprocess.run([simulator, *map(str, arguments)], stdout=out, check=True)


def survive(herscope, path, covariates, *options):
    names = ",".join(covariates)
    columns = ["--time", "time", "--event", "event", "--covariates", names]
    return [herscope, "survive", path, *columns, *options]


def mb(size):
    return f"{size / 1e6:.0f}"


def against_r(herscope, simulator, folder, sizes, counts, repeats):
    script = folder / "fit.R"
    script.write_text(R_SCRIPT)
    r_seconds, worst = 0.0, 0.0
    answer = subprocess.run(["Rscript", "-e", R_VERSIONS], capture_output=True, text=True)
    versions = answer.stdout
    header = ["rows", "covariates", "command", "s", "CPU s", "R / it", "peak MB", "/ file", "/ f64"]
    print("| " + " | ".join(header) + " |\n|" + " --- |" * len(header))
    for n in sizes:
        for p in counts:
            path = folder / f"cohort_{n}_{p}.csv"
            simulate(simulator, path, n, p)
            names = [f"x{k}" for k in range(1, p + 1)]
            rscript = ["Rscript", "--vanilla", script, path, str(p)]
            commands = {
                "Rscript, read.csv": rscript + ["guessed"],
                "Rscript, read.csv with colClasses": rscript + ["typed"],
                "Rscript, fread": rscript + ["fread"],
                "herscope survive": survive(herscope, path, names),
                "herscope survive --json": survive(herscope, path, names, "--json"),
            }
            if "not installed" in versions:
                del commands["Rscript, fread"]
            runs = {name: [] for name in commands}
            for _ in range(repeats):
                for name, command in commands.items():
                    read = lines if name.startswith("Rscript") else lambda out: None
                    read = coefficients if name.endswith("--json") else read
                    runs[name].append(Run(command, read))
            for name in commands:
                if name.startswith("Rscript"):
                    r_seconds += sum(run.seconds for run in runs[name])
            reports = [run.output for run in runs["Rscript, read.csv"]]
            expected = [float(coef) for coef in reports[0][0].split()]
            found = runs["herscope survive --json"][0].output
            apart = max(abs(a - b) for a, b in zip(expected, found, strict=True))
            worst = max(worst, apart)
            whole = statistics.median(run.seconds for run in runs["Rscript, read.csv"])
            data, size = 8 * n * (p + 2), path.stat().st_size
            for name in commands:
                seconds = statistics.median(run.seconds for run in runs[name])
                cpu = statistics.median(run.cpu for run in runs[name])
                peak = max(run.peak for run in runs[name])
                ratios = f"{whole / seconds:.1f} | {mb(peak)} | {peak / size:.2f} | {peak / data:.2f}"
                print(f"| {n} | {p} | {name} | {seconds:.3f} | {cpu:.3f} | {ratios} |")
            parts = [[float(part) for part in report[1].split()] for report in reports]
            reading, fitting = (statistics.median(column) for column in zip(*parts))
            print(f"| {n} | {p} | inside Rscript: read.csv {reading:.3f} s, coxph {fitting:.3f} s "
                  f"| | | | file {size / 1e6:.1f} | | {data / 1e6:.1f} |", flush=True)
            path.unlink()
            if apart > TOLERANCE:
                sys.exit(f"coefficients differ by {apart:.1e}")
    print(f"\nLargest difference of a coefficient: {worst:.1e}. R ran for {r_seconds:.0f} s; "
          f"{versions}. {herscope_version(herscope)}; {os.cpu_count()} cores, load "
          f"{os.getloadavg()[0]:.1f} at the end. R's part is startup, library, read.csv and coxph "
          "with its concordance; herscope's also has curves, follow-up and the test of proportional "
          "hazards.")


def herscope_version(herscope):
    return subprocess.run([herscope, "--version"], capture_output=True, text=True).stdout.strip()


def shapes(herscope, simulator, folder, sizes, repeats):
    """Time by size where growth could turn quadratic."""
    paths = {}
    for n in sizes:
        for words in (["days"], ["days", "entry", "columns"]):
            path = folder / f"cohort_{n}_{len(words)}.csv"
            simulate(simulator, path, n, 2, *words)
            paths[n, len(words)] = path
    x = ["x1", "x2"]
    cases = {
        "whole days, 2000 distinct": (1, x, []),
        "with an entry column": (3, x, ["--entry", "entry"]),
        "20 strata": (3, x, ["--strata", "site"]),
        "strata of 10 rows": (3, x, ["--strata", "patient"]),
        "clusters of 10 rows": (3, x, ["--cluster", "patient"]),
        "a group of 5 levels": (3, x, ["--group", "arm"]),
        "a factor of 20 levels": (3, x + ["site"], []),
        "an id in every row, entries": (3, x, ["--id", "id", "--entry", "entry"]),
    }
    columns = " | ".join(f"{n}: s, MB" for n in sizes)
    print(f"| shape | {columns} | growth a tenfold size |\n|" + " --- |" * (len(sizes) + 2))
    for name, (kind, covariates, options) in cases.items():
        medians, cells = [], []
        for n in sizes:
            command = survive(herscope, paths[n, kind], covariates, *options)
            runs = [Run(command) for _ in range(repeats)]
            medians.append(statistics.median(run.cpu for run in runs))
            cells.append(f"{medians[-1]:.3f}, {mb(max(run.peak for run in runs))}")
        growth = [f"{b / a:.1f}" for a, b in zip(medians, medians[1:])]
        print(f"| {name} | {' | '.join(cells)} | {', '.join(growth)} |", flush=True)
    print("\nCPU seconds, medians.")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    whole = lambda text: [int(float(part)) for part in text.split(",")]  # noqa: E731
    parser.add_argument("--sizes", type=whole, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--covariates", type=whole, default=[1, 5])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--shapes", action="store_true", help="growth of herscope, without R")
    arguments = parser.parse_args()
    herscope, simulator = build()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        if arguments.shapes:
            shapes(herscope, simulator, folder, arguments.sizes, arguments.repeats)
        else:
            against_r(herscope, simulator, folder, arguments.sizes, arguments.covariates,
                      arguments.repeats)


if __name__ == "__main__":
    main()
