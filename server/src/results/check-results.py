# SPDX-License-Identifier: Apache-2.0
"""Opens a study's results as a reader would: xarray, NumPy, pandas, an XML parser. Prints one JSON object.

Called by results.test.ts with the results folder; the test compares the answer with what the study was made of.
"""
import base64
import json
import pathlib
import sys
import warnings
import xml.etree.ElementTree as ElementTree

import numpy as np
import pandas as pd
import xarray as xr

warnings.simplefilter("error")
folder = pathlib.Path(sys.argv[1])
data = xr.open_zarr(folder / "results.zarr", consolidated=True)


def listed(values):
    return [None if isinstance(v, float) and v != v else v for v in np.asarray(values).tolist()]


def vtk_arrays(path):
    root = ElementTree.parse(path).getroot()
    arrays = {}
    for array in root.iter("DataArray"):
        if array.get("format") == "binary":
            raw = base64.b64decode(array.text)
            assert np.frombuffer(raw[:8], "<u8")[0] == len(raw) - 8
            kind = {"Float64": "<f8", "Int64": "<i8", "UInt8": "u1"}[array.get("type")]
            arrays[array.get("Name")] = np.frombuffer(raw[8:], kind)
        else:
            arrays[array.get("Name")] = np.array(array.text.split(), float)
    return root, arrays


answer = {
    "variables": {
        name: {"dims": list(v.dims), "shape": list(v.shape), "units": v.attrs.get("units"), "long_name": v.attrs.get("long_name")}
        for name, v in data.data_vars.items()
    },
    "coords": {name: listed(v.values[:20]) for name, v in data.coords.items()},
    "sums": {name: float(np.nansum(v.values)) for name, v in data.data_vars.items()},
    "nans": {name: int(np.isnan(v.values).sum()) for name, v in data.data_vars.items()},
}
for spec in sys.argv[2:]:
    name, _, selection = spec.partition("@")
    answer.setdefault("selected", {})[spec] = listed(data[name].sel(json.loads(selection)).values.ravel()[:8])
answer["npy"] = {p.name: {"shape": list(np.load(p).shape), "sum": float(np.nansum(np.load(p)))} for p in folder.glob("npy/*.npy")}
answer["vtk"] = {}
for path in sorted(folder.glob("vtk/*.vt[iu]")):
    root, arrays = vtk_arrays(path)
    attributes = {k: v for element in root.iter() if element.tag in ("ImageData", "Piece") for k, v in element.attrib.items()}
    answer["vtk"][path.name] = {"attributes": attributes, "first": {n: listed(a[:4]) for n, a in arrays.items()}, "lengths": {n: len(a) for n, a in arrays.items()}}
answer["pvd"] = {p.name: [d.attrib for d in ElementTree.parse(p).getroot().iter("DataSet")] for p in folder.glob("vtk/*.pvd")}
parquet = pd.read_parquet(folder / "simulations.parquet")
csv = pd.read_csv(folder / "simulations.csv", keep_default_na=False)
answer["table"] = {"columns": list(parquet.columns), "rows": len(parquet), "failed": parquet[parquet.state == "Failed"].to_dict("records"), "same": bool((parquet == csv).all().all())}
print(json.dumps(answer))
