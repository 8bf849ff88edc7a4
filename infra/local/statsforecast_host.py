"""Forecasts by statsforecast's MSTL for `bench forecast`, to hold Carryout's own beside them.

Reads one JSON object from standard input: `values` (one for each slot), `seasons` (in slots), `horizon` (slots) and `origins` (how many
values are known at each). Writes one line of JSON for each origin: `mean` and `high` (the 95 % quantile), one for each slot of the
horizon. Each origin is one fit of all that is known.
"""

import json
import sys
import warnings

import numpy
from statsforecast.models import MSTL

warnings.filterwarnings("ignore")

request = json.load(sys.stdin)
values = numpy.array(request["values"], dtype=float)
for origin in request["origins"]:
    model = MSTL(season_length=request["seasons"])
    # The upper end of a 90 % interval is the 95 % quantile.
    forecast = model.forecast(y=values[:origin], h=request["horizon"], level=[90])
    answer = {"mean": forecast["mean"].tolist(), "high": forecast["hi-90"].tolist()}
    print(json.dumps(answer), flush=True)
