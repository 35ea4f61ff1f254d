#!/usr/bin/env python3
"""Knowledge distillation: what each loss brings against a control of the same student, seed and
budget.

    python Tools/study/distill.py recovery   # the channel-pruned detector at half the MACs
    python Tools/study/distill.py sparse     # the detector with 80 % zeros, on 96 images
    python Tools/study/distill.py effect     # half and a quarter of all channels, every loss
    python Tools/study/distill.py recovery --losses kd,cwd --seeds 1 --epochs 2 --images 600

Every row is one `compress distill` or, for the control, the same with `--control`; a row that is in
the output folder already is not run again. A loss may be several with "+" between. Writes a
Markdown table of mean ± spread (the largest distance to the mean) over the seeds, and of the difference to
the control of the same seed.
"""
import os
import statistics
import sys

sys.path.insert(0, __file__.rsplit("/", 2)[0])

from lib import places
from lib.command import TARGET_MISSED, Compress
from lib.records import Records
from lib.table import Table

EVERY = ("kd,ld,kd+ld,tsd,eskd,fitnet,at,fsp,nst,nst-linear,nst-gaussian,ft,cwd,pkd,mgd,fgd,rkd,"
         "irg,adversarial,adversarial-output")


def pruned(a, records, name, arguments, epochs=0):
    path = records.path(name, ".onnx")
    if not os.path.exists(path):
        a.run.report("prune", *arguments, "--epochs", epochs, "--output", path,
                     accept=(0, TARGET_MISSED))
    return path


def narrow(a, records, width):
    """The detector with a part of the channels of every layer, trained on for a while with labels
    alone."""
    cut = ["--method", "l1", "--allocation", "uniform", "--channel-ratio", str(1 - float(width))]
    return pruned(a, records, f"width-{width}", cut, epochs=a.warm_up)


def row(a, records, student, arguments, loss, seed):
    """AP after one run; the first loss of a seed trains the control as well."""
    plain = loss.replace("=", "").replace(":", "-")
    stem, control = (f"{student}-{x}-{a.epochs}-{a.images}-{seed}" for x in (plain, "control"))

    def make():
        result = a.run.report(
            "distill", *arguments, "--loss", loss.replace("+", ","), "--seed", seed, "--epochs",
            a.epochs, "--images", a.images, "--batch", a.batch, "--output",
            records.path(stem, ".onnx"), *([] if control in records else ["--control"]),
            accept=(0, TARGET_MISSED))
        out = dict(student=student, loss=loss, seed=seed, AP=result["after"]["accuracy"]["AP"],
                   before=(result.get("studentBefore") or {}).get("accuracy", {}).get("AP"),
                   teacher=result["before"]["accuracy"]["AP"])
        if result.get("control"):
            score = result["control"]["accuracy"]["AP"]
            records.write(control, dict(out, loss="control", AP=score))
            print(f"{control}: AP {score:.4f}", flush=True)
        return out
    return records.row(stem, make)


def spread(values):
    mean = statistics.mean(values)
    if len(values) == 1:
        return f"{mean:.4f}"
    return f"{mean:.4f} ± {max(abs(v - mean) for v in values):.4f}"


def table(a, records, student):
    found = {}
    for stem, record in records.all():
        if stem.startswith(student + "-") and f"-{a.epochs}-{a.images}-" in stem:
            found.setdefault(record["loss"], {})[record["seed"]] = record["AP"]
    control = found.pop("control", {})
    made = Table(f"distill-{a.study}-{student}", [
        (student, ""), ("AP", ""), ("against control", ""), ("seeds", "d")], a.save,
        f"0 to {a.seeds - 1}")
    if control:
        made.add("labels alone (control)", spread(list(control.values())), "–", len(control))
    for loss in (loss for loss in a.losses.split(",") if loss in found):
        values = found[loss]
        gains = [values[s] - control[s] for s in values if s in control]
        gain = "–"
        if gains:
            gain = f"{statistics.mean(gains):+.4f}, {min(gains):+.4f} to {max(gains):+.4f}"
        made.add(loss, spread(list(values.values())), gain, len(values))
    print()
    return made.text()


def main():
    parser = places.parser(__doc__)
    parser.add_argument("study", choices=["recovery", "sparse", "effect"])
    parser.add_argument("--output", default=os.path.join(places.ROOT, "out", "distill"))
    parser.add_argument("--losses")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--images", type=int)
    parser.add_argument("--batch", type=int)
    parser.add_argument("--widths", default="0.5,0.25")
    parser.add_argument("--warm-up", type=int, default=6,
                        help="epochs of students of the effect study before their teacher")
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    records, a.run = Records(a.output), Compress(a.compress, a.threads)
    a.images = a.images or (96 if a.study == "sparse" else 1200)
    a.batch = a.batch or (8 if a.study == "sparse" else 16)
    if a.study == "recovery":
        a.epochs = a.epochs or 4
        a.losses = a.losses or "kd,kd+ld,fitnet,at,cwd"
        cut = pruned(a, records, "half-macs", ["--method", "l1", "--target-macs", "0.5"])
        students = {"half-macs": ["--student", cut]}
    elif a.study == "sparse":
        a.epochs = a.epochs or 2
        a.losses = a.losses or "kd,kd+ld,fitnet,at,cwd,kd+ld+cwd"
        students = {"sparse": ["--student", pruned(a, records, "sparse", ["--sparsity", "0.8"])]}
    else:
        a.epochs = a.epochs or 2
        a.losses = a.losses or EVERY
        students = {f"width-{w}": ["--student", narrow(a, records, w)] for w in a.widths.split(",")}
    for seed in range(a.seeds):
        for student, arguments in students.items():
            for loss in a.losses.split(","):
                row(a, records, student, arguments, loss, seed)
    text = "\n".join(table(a, records, student) for student in students)
    with open(records.path(a.study, ".md"), "w") as f:
        f.write(text)


if __name__ == "__main__":
    main()
