#!/usr/bin/env python3
"""Knowledge distillation: what each loss brings against a control of the same student, seed and budget.

    python Tools/distill_study.py recovery --output out/distill             # the channel-pruned detector at half the MACs
    python Tools/distill_study.py sparse --output out/distill               # the detector with 80 % zeros, on 96 images
    python Tools/distill_study.py effect --output out/distill               # half and a quarter of all channels, every loss
    python Tools/distill_study.py recovery --losses kd,cwd --seeds 1 --epochs 2 --images 600

Every row is one `compress distill` or, for the control, the same with `--control`; a row that is in the output folder already is
not run again. A loss may be several with "+" between. Writes a Markdown table of mean ± spread (the largest distance to the mean)
over the seeds, and of the difference to the control of the same seed.
"""
import argparse
import json
import os
import statistics
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
EVERY = ("kd,ld,kd+ld,tsd,eskd,fitnet,at,fsp,nst,nst-linear,nst-gaussian,ft,cwd,pkd,mgd,fgd,rkd,irg,adversarial,"
         "adversarial-output")


def call(a, arguments):
    run = subprocess.run([a.compress, *arguments, "--format", "json", "--quiet", "--threads", str(a.threads)],
                         capture_output=True, text=True)
    if run.returncode not in (0, 3):
        print(f"failed {' '.join(arguments)}: {run.stderr.strip().splitlines()[-1:]}", flush=True)
        return None
    return json.loads(run.stdout)


def pruned(a, name, arguments, epochs=0):
    path = os.path.join(a.output, name + ".onnx")
    if not os.path.exists(path):
        call(a, ["prune", *arguments, "--epochs", str(epochs), "--output", path])
    return path


def narrow(a, width):
    """The detector with a part of the channels of every layer, trained on for a while with labels alone."""
    cut = ["--method", "l1", "--allocation", "uniform", "--channel-ratio", str(1 - float(width))]
    return pruned(a, f"width-{width}", cut, epochs=a.warm_up)


def row(a, student, arguments, loss, seed):
    """AP after one run; the first loss of a seed trains the control as well."""
    stem = os.path.join(a.output, f"{student}-{loss.replace('=', '').replace(':', '-')}-{a.epochs}-{a.images}-{seed}")
    if os.path.exists(stem + ".json"):
        return json.load(open(stem + ".json"))
    control = os.path.join(a.output, f"{student}-control-{a.epochs}-{a.images}-{seed}.json")
    start = time.time()
    result = call(a, ["distill", *arguments, "--loss", loss.replace("+", ","), "--seed", str(seed), "--epochs",
                      str(a.epochs), "--images", str(a.images), "--batch", str(a.batch), "--output", stem + ".onnx",
                      *([] if os.path.exists(control) else ["--control"])])
    if result is None:
        return None
    before = (result.get("studentBefore") or {}).get("accuracy", {}).get("AP")
    out = dict(student=student, loss=loss, seed=seed, AP=result["after"]["accuracy"]["AP"], before=before,
               teacher=result["before"]["accuracy"]["AP"], seconds=time.time() - start)
    if result.get("control"):
        record = dict(out, loss="control", AP=result["control"]["accuracy"]["AP"])
        json.dump(record, open(control, "w"))
    json.dump(out, open(stem + ".json", "w"))
    print(f"{student} {loss} seed {seed}: AP {out['AP']:.4f}, control "
          f"{json.load(open(control))['AP']:.4f}, {out['seconds']:.0f} s", flush=True)
    return out


def spread(values):
    mean = statistics.mean(values)
    return f"{mean:.4f} ± {max(abs(v - mean) for v in values):.4f}" if len(values) > 1 else f"{mean:.4f}"


def table(a, student):
    records = {}
    for name in sorted(os.listdir(a.output)):
        if name.startswith(student + "-") and name.endswith(".json"):
            record = json.load(open(os.path.join(a.output, name)))
            if f"-{a.epochs}-{a.images}-" in name:
                records.setdefault(record["loss"], {})[record["seed"]] = record["AP"]
    control = records.pop("control", {})
    lines = [f"| {student} | AP | against control | seeds |", "|---|---|---|---|"]
    if control:
        lines.append(f"| labels alone (control) | {spread(list(control.values()))} | – | {len(control)} |")
    order = [l for l in a.losses.split(",") if l in records]
    for loss in order:
        found = records[loss]
        gains = [found[s] - control[s] for s in found if s in control]
        gain = f"{statistics.mean(gains):+.4f}, {min(gains):+.4f} to {max(gains):+.4f}" if gains else "–"
        lines.append(f"| {loss} | {spread(list(found.values()))} | {gain} | {len(found)} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=["recovery", "sparse", "effect"])
    parser.add_argument("--compress", default=os.path.join(ROOT, ".build/release/compress"))
    parser.add_argument("--output", default=os.path.join(ROOT, "out", "distill"))
    parser.add_argument("--losses")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--images", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--widths", default="0.5,0.25")
    parser.add_argument("--warm-up", type=int, default=6, help="epochs of students of the effect study before their teacher")
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    os.makedirs(a.output, exist_ok=True)
    a.images = a.images or (96 if a.study == "sparse" else 1200)
    a.batch = a.batch or (8 if a.study == "sparse" else 16)
    if a.study == "recovery":
        a.epochs = a.epochs or 4
        a.losses = a.losses or "kd,kd+ld,fitnet,at,cwd"
        cut = pruned(a, "half-macs", ["--method", "l1", "--target-macs", "0.5"])
        students = {"half-macs": ["--student", cut]}
    elif a.study == "sparse":
        a.epochs = a.epochs or 2
        a.losses = a.losses or "kd,kd+ld,fitnet,at,cwd,kd+ld+cwd"
        students = {"sparse": ["--student", pruned(a, "sparse", ["--sparsity", "0.8"])]}
    else:
        a.epochs = a.epochs or 2
        a.losses = a.losses or EVERY
        students = {f"width-{w}": ["--student", narrow(a, w)] for w in a.widths.split(",")}
    for seed in range(a.seeds):
        for student, arguments in students.items():
            for loss in a.losses.split(","):
                row(a, student, arguments, loss, seed)
    tables = "\n\n".join(table(a, s) for s in students)
    path = os.path.join(a.output, f"{a.study}.md")
    open(path, "w").write(tables + "\n")
    print(tables)


if __name__ == "__main__":
    main()
