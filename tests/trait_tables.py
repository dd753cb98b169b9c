"""Tables of traits as the evaluation leaves them, from scores that are drawn."""

from itertools import product

import numpy as np
import pandas as pd
from scipy.stats import mannwhitneyu
from sklearn.metrics import roc_auc_score, roc_curve

from histoniche.traits.chain_evaluation import compare_rounds
from histoniche.traits.run_comparison import compare_runs

SETS = ("test", "near", "ood")
ROUNDS = (0, 1, 2, 3, 4, "ensemble")
_ENDS = ("low", "high", "p", "n_patients", "n_slides", "n", "positives")
LEVELS = {"tile": 3000, "slide": 60, "patient": 40}


def curves_and_metrics(*, trait="MGMT", classes=("un", "meth"), sets=("test",), rounds=ROUNDS,
                       levels=LEVELS, shift=1.2, seed=0):  # fmt: skip
    """ROC table, metrics and confusion of one trait."""
    rng = np.random.default_rng(seed)
    roc, metrics, confusion = [], [], []
    shown = classes if len(classes) > 2 else classes[1:]
    for (level, n), name, number in product(levels.items(), sets, rounds):
        truth = rng.integers(0, len(classes), n)
        scores = rng.normal(size=(n, len(classes)))
        scores[np.arange(n), truth] += shift * (1.3 if number == "ensemble" else 1)
        place = (trait, level, name, str(number))
        areas, p = [], []
        for k, one in enumerate(classes):
            if one not in shown:
                continue
            fpr, tpr, cut = roc_curve(truth == k, scores[:, k], drop_intermediate=False)
            roc += [(*place, one, *row) for row in zip(cut, fpr, tpr, strict=True)]
            areas.append(roc_auc_score(truth == k, scores[:, k]))
            p.append(mannwhitneyu(scores[truth == k, k], scores[truth != k, k]).pvalue)
            size = (40, 60, n, int((truth == k).sum()))
            metrics.append((*place, one, "auroc", areas[-1], areas[-1] - 0.08,
                            min(1, areas[-1] + 0.06), p[-1], *size))  # fmt: skip
            metrics.append((*place, one, "sensitivity", 0.8, 0.7, 0.9, np.nan, *size))
        if len(classes) > 2:
            mean = float(np.mean(areas))
            grid = np.linspace(0, 1, 101)
            roc += [(*place, "macro", 0.5, x, x ** (1 / mean - 1)) for x in grid]
            metrics.append((*place, "macro", "auroc", mean, mean - 0.05, mean + 0.04,
                            min(1, len(p) * min(p)), 40, 60, n, n))  # fmt: skip
        metrics.append((*place, "all", "accuracy", 0.75, 0.6, 0.85, np.nan, 40, 60, n, n))
        called = scores.argmax(1)
        confusion += [
            (*place, classes[i], classes[j], int(((truth == i) & (called == j)).sum()))
            for i, j in product(range(len(classes)), repeat=2)
        ]
    keys = ["trait", "level", "set", "round"]
    return (
        pd.DataFrame(roc, columns=[*keys, "class", "threshold", "fpr", "tpr"]),
        pd.DataFrame(metrics, columns=[*keys, "class", "metric", "value", *_ENDS]),
        pd.DataFrame(confusion, columns=[*keys, "truth", "predicted", "count"]),
    )


def slide_scores(trait="MGMT", n=80, positive="meth", slope=0.6, seed=0):
    """Scores of slides that rise with the percentile, and their patients."""
    rng = np.random.default_rng(seed)
    percentile = rng.random(n)
    share = np.clip(slope * percentile + rng.normal(0.2, 0.15, n), 0, 1)
    return pd.DataFrame(
        {
            "slide": [f"S{k}" for k in range(n)],
            "patient": [f"P{k}" for k in range(n)],
            "trait": trait,
            "class": positive,
            "positive_share": share,
            "mean": 0.25 + share / 2,
            "percentile": percentile,
        }
    )


def two_trainings(first, second, *, name="small", test="paired"):
    """Tests of the metrics of two traits by their rounds, as the comparison leaves them."""
    keys = ["level", "class", "metric"]
    rows = []
    for place, own in pd.concat([first, second]).query("set == 'test'").groupby(keys, sort=False):
        wide = own[own["round"].str.isdigit()].pivot_table("value", "round", "trait")
        names = [table["trait"].iloc[0] for table in (first, second)]
        runs = [dict(enumerate(wide[trait].tolist())) for trait in names]
        found = compare_runs(*runs, test=test)._asdict()
        head = {"comparison": name, "first": names[0], "second": names[1]}
        rows.append({**head, **dict(zip(keys, place, strict=True)), **found, "q": found["p"]})
    return pd.DataFrame(rows)


def chain_tables(*, chain="grades", rounds=3, seed=0):
    """Metrics of a chain and of one model by round, and the tests of the two."""
    rng = np.random.default_rng(seed)
    classes = {"all": ("all", "macro", "II", "III", "IV"), "gbm": ("all", "IV")}
    rows = [
        (chain, number, level, step, model, name, metric, float(rng.uniform(0.5, 0.9)), 12)
        for number, level in product(range(rounds), ("tile", "slide"))
        for step, names in classes.items()
        for model, name, metric in product(("chain", "single"), names, ("accuracy", "auroc"))
        if not (name == "all" and metric == "auroc")
    ]
    columns = ["chain", "round", "level", "step", "model", "class", "metric", "value", "patients"]
    metrics = pd.DataFrame(rows, columns=columns)
    return metrics, compare_rounds(metrics)
