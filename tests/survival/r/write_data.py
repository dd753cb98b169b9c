"""Write the data sets that the R scripts of this folder read, as lifelines ships them."""

import numpy as np
from lifelines.datasets import load_gbsg2, load_lung, load_rossi

lung = load_lung().rename(columns={"status": "event", "ph.karno": "karno", "ph.ecog": "ecog"})
lung["sex"] = np.where(lung["sex"] == 2, "female", "male")
columns = ["time", "event", "age", "karno", "ecog", "sex"]
lung[columns].to_csv("lung.csv", index=False)
load_rossi().to_csv("rossi.csv", index=False)
breast = load_gbsg2().rename(columns={"cens": "event"})
breast["grade"] = breast["tgrade"].map({"I": 1, "II": 2, "III": 3})
breast[["time", "event", "pnodes", "grade", "age"]].to_csv("gbsg2.csv", index=False)
