"""What studies of pruned and factorised detectors share: the data, the whole detector's row and the
grouping of rows that differ in their training alone."""
from lib import places

RECOVERY = ["--loss", "match", "--lr", "0.00005", "--freeze-bn"]


def coco():
    """The options that score on coco_val_128, and calibrate and train on coco_train_128."""
    train = places.dataset("coco_train_128")
    return ["--data", places.dataset("coco_val_128"), "--calib", train + "/images",
            "--train-data", train, "--batch", "8"]


def recovery(label, epochs):
    """The options of a one-shot row or of one that is trained without labels."""
    return ["--epochs", "0"] if label == "one-shot" else ["--epochs", str(epochs), *RECOVERY]


def whole(compress, records, name, model, data, more=lambda: {}):
    """The row of the detector as it is; `more` finds what the study adds to it."""
    def make():
        score, cost = compress.score(model, data), compress.cost(model)
        return dict(model=name, method="whole", target=1, label="", parameters=cost["parameters"],
                    macs=cost["macs"], AP=score["AP"], AP50=score["AP50"], proof=0, **more())
    return records.row(f"{name}-whole", make)


def found(result):
    """What a row takes from the report of `prune` and `lowrank`."""
    after = result["after"]
    return dict(parameters=after["parameters"], macs=after["macs"], AP=after["accuracy"]["AP"],
                AP50=after["accuracy"]["AP50"], proof=max(result["proof"]["errors"].values()))


def grouped(rows):
    """Rows by model, target and method, then by label."""
    groups = {}
    for row in rows:
        key = row["model"], row["target"], row["method"]
        groups.setdefault(key, {})[row["label"]] = row
    return list(groups.values())


def scores(group, labels):
    """The AP of a group under each label; the whole detector's stands under the first."""
    if "" in group:
        return [group[""]["AP"]] + [None] * (len(labels) - 1)
    return [group[label]["AP"] if label in group else None for label in labels]
