#!/usr/bin/env python3
"""`herscope bootstrap` against what its users have, in one run on the same cohorts.

    benches/bootstrap_against_others.py [--sizes 60,300,10000] [--python PYTHON] [--growth growth.svg]

Peers, each skipped with a word where it is not installed: R's `boot` with `coxph`, R's inner fitter
`coxph.fit` in a plain loop, `lifelines`, and `survivalgpu` on its CPU backend (the last two in the
interpreter `--python`). Every program resamples rows and fits the hazard ratio of one 0/1 column
with Efron ties, in one thread; a peer runs as many replicates as take it about ten seconds. Rates are
replicates per CPU second, because machines are shared; herscope's is of the whole process, the
peers' of the loop alone, which favours them. `--growth` draws herscope's rate against n.
"""

import argparse
import json
import math
import os
import pathlib
import resource
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

R_SCRIPT = r"""
arguments <- commandArgs(TRUE)
suppressMessages({library(survival); library(boot)})
d <- read.csv(arguments[1])
seconds <- 10
cpu <- function() sum(proc.time()[c("user.self", "sys.self")])
rate <- function(once) {
  begin <- cpu(); n <- 0
  while (cpu() - begin < seconds) { once(); n <- n + 1 }
  n / (cpu() - begin)
}
statistic <- function(d, rows) suppressWarnings(coef(coxph(Surv(time, event) ~ arm, d[rows, ])))
boot_rate <- local({
  begin <- cpu(); n <- 0; step <- max(10, min(500, 30000 %/% nrow(d)))
  while (cpu() - begin < seconds) { boot(d, statistic, R = step); n <- n + step }
  n / (cpu() - begin)
})
control <- coxph.control()
inner <- rate(function() {
  rows <- sample.int(nrow(d), replace = TRUE)
  y <- Surv(d$time[rows], d$event[rows])
  x <- matrix(as.numeric(d$arm[rows]), dimnames = list(NULL, "arm"))
  suppressWarnings(coxph.fit(x, y, NULL, NULL, NULL, control, NULL, "efron", NULL, resid = FALSE))
})
cat(sprintf('{"R boot + coxph": %g, "R coxph.fit": %g, "versions": "%s, survival %s, boot %s"}\n',
  boot_rate, inner, R.version.string, format(packageVersion("survival")),
  format(packageVersion("boot"))))
"""

PYTHON_SCRIPT = r"""
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
rates, versions = {}, []
columns = np.genfromtxt(sys.argv[1], delimiter=",", names=True)
n = len(columns)
draw = np.random.default_rng(1)
def rate(once, step=1):
    begin, done = time.process_time(), 0
    while time.process_time() - begin < 10:
        once()
        done += step
    return done / (time.process_time() - begin)
try:
    import lifelines, pandas
    frame = pandas.DataFrame({k: columns[k] for k in ("time", "event", "arm")})
    def once():
        try:
            lifelines.CoxPHFitter().fit(frame.iloc[draw.integers(0, n, n)], "time", "event")
        except Exception:
            pass  # a replicate without a finite estimate
    rates["lifelines"] = rate(once)
    versions.append("lifelines " + lifelines.__version__)
except ImportError as error:
    versions.append("no lifelines: %s" % error)
try:
    import survivalgpu, torch
    torch.set_num_threads(1)
    step = max(1, min(1000, 60000 // n))
    x = columns["arm"].reshape(-1, 1).astype(np.float64)
    # Times are whole numbers there: their order is what the likelihood sees.
    stop = (1 + np.argsort(np.argsort(columns["time"]))).astype(np.int64)
    event = columns["event"].astype(np.int64)
    def once():
        survivalgpu.CoxPHSurvivalAnalysis(
            ties="efron", maxiter=10, device="cpu", nbootstraps=step, batchsize=step
        ).fit(x, stop, event=event)
    once()
    rates["survivalGPU, CPU backend"] = rate(once, step)
    versions.append("survivalgpu, torch " + torch.__version__)
except Exception as error:
    versions.append("no survivalgpu: %r" % error)
print(json.dumps({**rates, "versions": ", ".join(versions)}))
"""


def cohort(folder, n):
    """`n` subjects: 47 % events, 30 % in arm 1, continuous times; the same bytes in every run."""
    state = 1

    def uniform():
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return ((state >> 11) + 0.5) / 2**53

    path = pathlib.Path(folder) / f"cohort_{n}.csv"
    with path.open("w") as out:
        out.write("time,event,arm\n")
        for _ in range(n):
            time = -math.log(uniform()) * 20.0
            out.write(f"{time:.9f},{int(uniform() < 0.47)},{int(uniform() < 0.3)}\n")
    return path


def cpu_seconds(command):
    """CPU seconds of a finished process and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def herscope(program, path, n):
    """Best of three rates of the whole process, replicates a CPU second."""
    replicates = max(2000, int(1.2e8 / n))
    command = [program, "bootstrap", path, "--time", "time", "--event", "event", "--group", "arm",
               "--replicates", str(replicates), "--device", "cpu", "--threads", "1",
               "--intervals", "percentile", "--json"]
    return max(replicates / cpu_seconds(command)[0] for _ in range(3))


def peers(path, python):
    """Rates and versions of everything else that is installed."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    rates, versions = {}, []
    for command, text in [(["Rscript", "-e", R_SCRIPT, str(path)], R_SCRIPT),
                          ([python, "-c", PYTHON_SCRIPT, str(path)], PYTHON_SCRIPT)]:
        try:
            if command[0] == "Rscript":
                with tempfile.NamedTemporaryFile("w", suffix=".R") as script:
                    script.write(text)
                    script.flush()
                    done = subprocess.run(["Rscript", script.name, str(path)], capture_output=True,
                                          text=True, check=True, env=environment)
            else:
                done = subprocess.run(command, capture_output=True, text=True, check=True,
                                      env=environment)
            found = json.loads(done.stdout.strip().splitlines()[-1])
            versions.append(found.pop("versions"))
            rates.update(found)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            detail = getattr(error, "stderr", "") or str(error)
            versions.append(f"no {command[0]}: {detail.strip().splitlines()[-1]}")
    return rates, "; ".join(versions)


def growth(program, folder, path):
    """Rates against n as a table and a figure with both axes logarithmic; rate x n is flat where the
    cost is linear in n."""
    sizes = [60, 120, 300, 1000, 3000, 10000, 30000, 65000, 100000]
    rates = [herscope(program, cohort(folder, n), n) for n in sizes]
    print("\n| n | replicates / CPU-s | subjects / CPU-s |\n| --- | --- | --- |")
    for n, rate in zip(sizes, rates):
        print(f"| {n} | {rate:.3g} | {rate * n:.3g} |")
    x = [60 + 480 * (math.log10(n) - 1.5) / 3.6 for n in sizes]
    y = [340 - 300 * (math.log10(rate) - 2.0) / 5.0 for rate in rates]
    marks = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3"/>' for a, b in zip(x, y))
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y))
    ticks = "".join(
        f'<text x="{60 + 480 * (e - 1.5) / 3.6:.1f}" y="358" text-anchor="middle">1e{e}</text>'
        for e in (2, 3, 4, 5)) + "".join(
        f'<text x="52" y="{344 - 300 * (e - 2) / 5:.1f}" text-anchor="end">1e{e}</text>'
        for e in range(2, 8))
    slope = f"{x[0]:.1f},{y[0]:.1f} {x[-1]:.1f},{y[0] + 300 * math.log10(sizes[-1] / sizes[0]) / 5:.1f}"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="560" height="390" font-family="sans-serif" '
        'font-size="12"><rect width="560" height="390" fill="white"/>'
        f'<polyline points="{slope}" fill="none" stroke="#999" stroke-dasharray="4 3"/>'
        f'<polyline points="{line}" fill="none" stroke="#1b5e9b"/><g fill="#1b5e9b">{marks}</g>'
        f'{ticks}<text x="300" y="380" text-anchor="middle">subjects</text>'
        '<text x="70" y="24">replicates a CPU second; dashed: linear in n from n = 60</text></svg>\n')


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--sizes", default="60,300,10000")
    options.add_argument("--python", default=sys.executable)
    options.add_argument("--growth", type=pathlib.Path)
    options.add_argument("--program", default=str(ROOT / "target/release/herscope"))
    options.add_argument("--no-peers", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print("| n | program | replicates / CPU-s | herscope is faster by |\n| --- | --- | --- | --- |")
        said = ""
        for n in [int(size) for size in given.sizes.split(",")]:
            path = cohort(folder, n)
            own = herscope(given.program, path, n)
            print(f"| {n} | herscope bootstrap, whole command | {own:.3g} | 1 |")
            if given.no_peers:
                continue
            rates, said = peers(path, given.python)
            for name, rate in rates.items():
                print(f"| {n} | {name} | {rate:.3g} | {own / rate:.0f} |", flush=True)
        print(f"\n{said}; load {os.getloadavg()[0]:.1f}.")
        if given.growth:
            growth(given.program, folder, given.growth)


if __name__ == "__main__":
    main()
