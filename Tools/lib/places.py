"""Where things lie: the checkout, the folder `shared` beside it, the binaries of the build."""
import argparse
import os

TOOLS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(TOOLS)
SHARED = os.path.join(os.path.dirname(ROOT), "shared")
MODELS = os.path.join(SHARED, "models")


def binary(name="compress"):
    """A program of the release build; all but `compress` are those of the package `Benchmarks`."""
    package = () if name == "compress" else ("benchmarks",)
    return os.path.join(ROOT, ".build", *package, "release", name)


def model(name):
    """A model by its path, or by its name among the shared ones; `.onnx` may be left out."""
    if os.path.exists(name):
        return name
    return os.path.join(MODELS, name if os.path.splitext(name)[1] in (".onnx", ".h5", ".hdf5")
                        else name + ".onnx")


def models(names=()):
    """The named models, or all shared ones in ONNX."""
    require_shared()
    found = names or sorted(n for n in os.listdir(MODELS) if n.endswith(".onnx"))
    return [model(name) for name in found]


def dataset(name):
    """The folder of a shared dataset."""
    return os.path.join(SHARED, "datasets", name)


def images(name):
    """The paths of a shared dataset's images, by name."""
    folder = os.path.join(dataset(name), "images")
    return [os.path.join(folder, file) for file in sorted(os.listdir(folder))]


def goldens(folder):
    """A folder of Tests/Goldens, made where it is missing."""
    path = os.path.join(ROOT, "Tests", "Goldens", folder)
    os.makedirs(path, exist_ok=True)
    return path


def require_shared():
    if not os.path.isdir(MODELS):
        raise SystemExit(f"There are no shared models: {MODELS} is absent")


def parser(doc, program="compress", option="--compress"):
    """A parser of a tool's options with the program that it runs and where its tables are saved."""
    made = argparse.ArgumentParser(
        description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument(option, default=binary(program), metavar="PATH",
                      help="the program to run (the release build's)")
    made.add_argument("--save", metavar="FOLDER",
                      help="also write each table there as JSON, as in Documentation/Results/data")
    return made
