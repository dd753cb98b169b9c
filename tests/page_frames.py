"""Tables of a run in the form that the summary page shows them in, reckoned anew."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats


@dataclass(frozen=True)
class Run:
    """Tables of a run by the names that the page knows."""

    table: Callable[[str], pd.DataFrame]
    names: set[str]
    settings: Mapping[str, Any]
    figures: Path
    clinical: Sequence[Path] = ()
    chains: Sequence[Path] = ()


def of(name: str) -> Callable[[Run], pd.DataFrame]:
    """A table of the run as it is."""
    return lambda run: run.table(name)


def covariates(run: Run) -> pd.DataFrame:
    patients, rows = run.table("patients"), []
    for name, entry in run.settings["cohort"]["covariates"].items():
        values = patients[name].dropna()
        numbers = (
            [float(np.quantile(values, q)) for q in (0.5, 0.25, 0.75)]
            if entry["type"] == "numeric"
            else values.value_counts().tolist()
        )
        rows.append((name, len(values), len(patients) - len(values), numbers))
    return pd.DataFrame(rows, columns=["name", "known", "unknown", "numbers"])


def roles(run: Run) -> pd.DataFrame:
    counts = run.table("split")["role"].value_counts()
    words = {"train": "train", "validation": "validation", "test": "test", "apply": ""}
    return pd.DataFrame([(words[str(k)], n) for k, n in counts.items()], columns=["role", "n"])


def area_quantiles(run: Run) -> pd.DataFrame:
    rows = []
    for region, own in run.table("areas").dropna(subset=["area"]).groupby("region"):
        values = own["area"].to_numpy(dtype=float)
        low, middle, high = np.quantile(values, (0.25, 0.5, 0.75))
        rows.append((region, int((values > 0).sum()), len(values), low, middle, high,
                     values.mean(), values.max()))  # fmt: skip
    names = ["region", "present", "n", "q1", "median", "q3", "mean", "largest"]
    return pd.DataFrame(rows, columns=names)


def sizes(run: Run) -> pd.DataFrame:
    table = run.table("sizes").set_index("signature")
    rows = []
    for name, row in table[table["region"] == table.index].iterrows():
        parts = [
            table.at[f"{name}{p}", "genes"] for p in ("pos", "neg") if f"{name}{p}" in table.index
        ]
        rows.append({**row, "signature": name, "parts": parts or [np.nan]})
    return pd.DataFrame(rows)


def leading_of_regions(run: Run) -> pd.DataFrame:
    members = run.table("signatures")
    number = run.settings.get("report", {}).get("top_genes", 8)
    rows = []
    for region in run.table("sizes")["region"].unique():
        own = members[(members["signature"] == region)]
        own = own.sort_values(["rho", "gene"], ascending=[False, True]).head(number)
        genes = [f"{g} ({rho:.2f}" for g, rho in zip(own["gene"], own["rho"], strict=True)]
        rows.append((region, genes or ["none"]))
    return pd.DataFrame(rows, columns=["region", "genes"])


def fallen_out(run: Run) -> pd.DataFrame:
    rows = []
    for source in ("expression", "mutation"):
        if f"{source}_patients" in run.names:
            samples = run.table(f"{source}_patients")
            samples["what"] = np.where(samples["used"], "used", samples["reason"].fillna(""))
            for what, own in samples.groupby("what"):
                rows.append((source, what, (own["sample"] != "").sum(), own["patient"].nunique()))
    return pd.DataFrame(rows, columns=["source", "what", "samples", "patients"])


def labelled(name: str) -> Callable[[Run], pd.DataFrame]:
    """A table of comparisons with what their groups are called."""

    def frame(run: Run) -> pd.DataFrame:
        groups = run.table("comparison_groups").drop_duplicates(["comparison", "group"])
        labels = groups.pivot(index="comparison", columns="group", values="label")
        return run.table(name).join(labels, on="comparison")

    return frame


def differing(run: Run) -> pd.DataFrame:
    rule = {"q": 0.05, "log2_fold_change": 0.0} | run.settings["differential"]
    rows = []
    for _, own in labelled("differential")(run).groupby("comparison"):
        sure = own[own["q"] < rule["q"]]
        up = (sure["log2_fold_change"] > rule["log2_fold_change"]).sum()
        down = (sure["log2_fold_change"] < -rule["log2_fold_change"]).sum()
        rows.append({**own.iloc[0], "tested": own["p"].notna().sum(), "up": up, "down": down})
    return pd.DataFrame(rows)


def cell_counts(run: Run) -> pd.DataFrame:
    grouped = run.table("cells").groupby("cell_type")["patient"]
    return grouped.agg(cells="size", patients="nunique").reset_index()


def cell_scores(run: Run) -> pd.DataFrame:
    means = run.table("cell_score_means").dropna(subset=["mean"])
    fewest = run.settings["single_cell"].get("min_cells", 1)
    rows = []
    for name, own in means.groupby("signature"):
        pooled = own.groupby("cell_type")[["mean", "n_cells"]].apply(
            lambda g: np.average(g["mean"], weights=g["n_cells"])
        )
        pooled = pooled.sort_values(ascending=False)
        kinds, best = [*pooled.index, "–"], [*pooled, np.nan]
        telling = own[own["n_cells"] >= fewest].pivot_table(
            index="patient", columns="cell_type", values="mean"
        )
        telling = telling[telling.notna().sum(axis=1) > 1]
        telling = telling[telling[kinds[0]].notna()] if kinds[0] in telling else telling[:0]
        agree = (telling.idxmax(axis=1) == kinds[0]).sum() if len(telling) else 0
        rows.append((name, own["genes_found"].iloc[0], own["genes"].iloc[0], kinds[0], best[0],
                     kinds[1], best[1], agree, len(telling)))  # fmt: skip
    names = ["signature", "found", "genes", "first", "mean", "second", "next", "agree", "of"]
    return pd.DataFrame(rows, columns=names)


def group_sizes(run: Run) -> pd.DataFrame:
    table = run.table("activity_comparison").drop_duplicates(["grouping", "group"])
    rows = [(name, [f"{g} ({n:,})" for g, n in zip(own["group"], own["n"], strict=True)])
            for name, own in table.groupby("grouping")]  # fmt: skip
    return pd.DataFrame(rows, columns=["grouping", "groups"])


def by_year(prefix: str) -> Callable[[Run], pd.DataFrame]:
    """Performance of the models, with a list over the years."""

    def frame(run: Run) -> pd.DataFrame:
        table = run.table("model_performance")
        for year in (0.5, 1, 2, 3, 4, 5, 10):
            name = f"{prefix}_{year:g}y"
            if name in table:
                ends = [name, f"{name}_low", f"{name}_high"]
                table[f"at_{year:g}"] = table[ends].to_numpy().tolist()
        return table

    return frame


def brier(run: Run) -> pd.DataFrame:
    rows = []
    for row in run.table("model_performance").to_dict("records"):
        places = [(name.removeprefix("brier_"), name, name.replace("brier_", "brier_null_"))
                  for name in row if name.startswith("brier_") and name.endswith("y")
                  and "null" not in name]  # fmt: skip
        for year, name, null in [*places, ("on average", "ibs", "ibs_null")]:
            number = year.removesuffix("y")
            when = year if name == "ibs" else f"{number} year"
            score = [row[name], row[f"{name}_low"], row[f"{name}_high"]]
            rows.append({**row, "when": when, "null": row[null], "score": score})
    return pd.DataFrame(rows)


def differences(run: Run) -> pd.DataFrame:
    table = run.table("model_differences")
    return table.assign(pair=table["second"] + " − " + table["first"])


def clinical(stem: str) -> Callable[[Run], pd.DataFrame]:
    """One table of the clinical evaluation, of all scores together."""
    return lambda run: pd.concat(
        [pd.read_parquet(path) for path in run.clinical if path.stem == stem], ignore_index=True
    )


def optimism(run: Run) -> pd.DataFrame:
    rows = []
    for path in run.clinical:
        if path.stem != "optimism":
            continue
        groups = pd.read_parquet(path.with_stem("calibration_groups"))
        groups = groups[groups["cohort"] == "training"]
        for (days, model), own in pd.read_parquet(path).groupby(["days", "model"]):
            found = own.set_index("index")
            mine = groups[(groups["days"] == days) & (groups["model"] == model)]
            row = {"model": model, "n": mine["n"].sum(), "events": mine["events"].sum(),
                   "bootstraps": found.at["slope", "bootstraps"]}  # fmt: skip
            for name in ("slope", "ici", "r2"):
                row[name] = found.loc[name, ["apparent", "corrected", "error"]].tolist()
            rows.append(row)
    return pd.DataFrame(rows)


def added_value(run: Run) -> pd.DataFrame:
    rows = []
    for path in run.clinical:
        if path.stem == "added_value":
            table = pd.read_parquet(path)
            for (cohort, _, measure), own in table.groupby(["cohort", "days", "measure"]):
                first = own.iloc[0]
                row = {name: first[name] for name in ("n", "events", "bootstraps")}
                row |= {"cohort": cohort, "measure": measure}
                for part in own.to_dict("records"):
                    row[f"part_{part['part']}"] = [part["value"], part["low"], part["high"]]
                rows.append(row)
    return pd.DataFrame(rows)


def trait_numbers(run: Run) -> pd.DataFrame:
    """Metrics of traits, one row a set, level, class and round or median of rounds."""
    table = run.table("trait_metrics").rename(columns={"model": "round", "patients": "n_patients",
                                                       "slides": "n_slides"})  # fmt: skip
    table = table.assign(**{"class": table["class"].fillna("").astype(str)})
    rows = []
    keys = ["trait", "set", "level", "class"]
    for key, every in table[table["class"] != "all"].groupby(keys):
        parts = [*every.groupby(every["round"].astype(str)), ("median", every)]
        for name, own in parts:
            row = dict(zip(keys, key, strict=True)) | {"round": name}
            row["class"] = "mean" if row["class"] == "macro" else row["class"]
            row["round"] = "" if name == "median" else name.replace("_", " ")
            for size in ("n_patients", "n_slides"):
                ends = sorted({int(own[size].min()), int(own[size].max())})
                row[size] = ends
            for metric in ("auroc", "sensitivity", "specificity", "precision", "f1", "accuracy"):
                mine = own[own["metric"] == metric].dropna(subset=["value"])
                single = mine[["value", "low", "high"]].to_numpy().tolist()
                row[metric] = (
                    [np.nan] if mine.empty
                    else single[0] if len(mine) == 1 else [float(mine["value"].median())]
                )  # fmt: skip
            rows.append(row)
    return pd.DataFrame(rows)


def trait_tests(run: Run) -> pd.DataFrame:
    parts = [run.table("trait_comparisons")] if "trait_comparisons" in run.names else []
    table = pd.concat([*parts, *(pd.read_parquet(path) for path in run.chains)])
    both = zip(table["first_runs"], table["second_runs"], strict=True)
    return table.assign(runs=[[a] if a == b else [a, b] for a, b in both])


def risk_performance(run: Run) -> pd.DataFrame:
    parts = [run.table(name) for name in ("imaging_performance", "slide_signature_performance")
             if name in run.names]  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    table["shown_p"] = table["p"].where(table["seen"] == 0)
    table["shown_q"] = np.nan
    for single in (True, False):
        tested = (table["fold"].notna() == single) & table["shown_p"].notna()
        if tested.any():
            p = table.loc[tested, "shown_p"].to_numpy(float)
            table.loc[tested, "shown_q"] = scipy.stats.false_discovery_control(p)
    both = zip(table["cohort"], table["fold"], strict=True)
    named = [cohort if pd.isna(fold) else f"fold {int(fold)}" for cohort, fold in both]
    return table.assign(fold_or_cohort=named)


def balance(run: Run) -> pd.DataFrame:
    order = list(run.table("follow_up")["cohort"])
    rows = []
    for (name, level), own in run.table("balance").groupby(["covariate", "level"], sort=False):
        row = {"covariate": level or ("deaths" if name == "survival" else name)}
        for place, cohort in enumerate(order):
            for one in own[own["cohort"] == cohort].to_dict("records"):
                numbers = (
                    [one["count"], 100 * one["share"]] if one["count"] == one["count"]
                    else [one["median"], one["q1"], one["q3"]]
                )  # fmt: skip
                row[f"c{place}"] = numbers + ([one["missing"]] if one["missing"] else [])
        row |= {"smd": own["smd"].max(), "p": own["p"].iloc[0], "q": own["q"].iloc[0],
                "test": own["test"].iloc[0]}  # fmt: skip
        rows.append(row)
    return pd.DataFrame(rows)
