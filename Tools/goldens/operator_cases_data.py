"""Cases for the operators that move data or calculate; see make_operator_goldens.py."""

import numpy as np

from make_operator_goldens import Case, uniform

CASES = []
