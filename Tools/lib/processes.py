"""Processes whose time and memory count."""
import json
import os
import platform
import sys

from lib.command import CommandFailed, call
from lib.places import TOOLS

CALL = """import json, runpy, sys
sys.path.insert(0, sys.argv[1])
print(json.dumps(runpy.run_path(sys.argv[2])[sys.argv[3]](*json.loads(sys.argv[4]))))
"""

# Linux counts what a process held before it became another program as that program's, so a small
# process stands between.
MEASURE = """import json, resource, subprocess, sys, time
start = time.perf_counter()
run = subprocess.run(sys.argv[1:], capture_output=True, text=True)
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps(dict(seconds=seconds, kilobytes=peak, status=run.returncode, text=run.stdout,
                      errors=run.stderr)))
"""


def apart(function, *arguments):
    """The command that calls a module's function in a process of its own and prints its result."""
    return [sys.executable, "-c", CALL, TOOLS, function.__code__.co_filename, function.__name__,
            json.dumps(arguments)]


def fresh(function, *arguments, **variables):
    """What a module's function returns when a process of its own calls it."""
    text = call(apart(function, *arguments), env=dict(os.environ, **variables))
    return json.loads(text.splitlines()[-1])


def measured(command):
    """What a command prints, its seconds and its peak memory in bytes."""
    found = json.loads(call([sys.executable, "-S", "-c", MEASURE, *command]))
    if found["status"]:
        raise CommandFailed(command, found["status"], found["errors"])
    return found["text"], found["seconds"], found["kilobytes"] * 1024


def peak():
    """The peak resident set of this process in bytes."""
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM")) * 1024


def cpu():
    with open("/proc/cpuinfo") as f:
        return next((line.split(":")[1].strip() for line in f if line.startswith("model name")),
                    platform.machine())


def machine():
    """The machine in a line, as tables name it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{cpu()}, {os.cpu_count()} cores, {memory:.0f} GB"
