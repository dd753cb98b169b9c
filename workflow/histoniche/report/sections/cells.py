"""Sections on single cells: the signatures in them, and the cross-talk between their types."""

from collections.abc import Iterator

import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Section, Table, not_run, table
from histoniche.report.numbers import MISSING, format_number, format_p, percent
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records, top_of_each
from histoniche.wording import count, join_words

_MOST = 40


def single_cells_section(results: Results) -> Section:
    """Report which cell types express the signatures."""
    title = "Signatures in single cells"
    if not results.has("cells"):
        return not_run("single_cells", title, "single_cell")
    return Section("single_cells", title, list(_single_cells(results)))


def crosstalk_section(results: Results) -> Section:
    """Report which ligand-receptor pairs are at work between which cell types."""
    title = "Cross-talk between cell types"
    if not results.has("interactions"):
        return not_run("crosstalk", title, "ligand_receptor")
    return Section("crosstalk", title, list(_crosstalk(results)))


def _single_cells(results: Results) -> Iterator[Block]:
    """What the cells are, then their scores and genes."""
    yield Paragraph(_origin(results))
    yield Paragraph(
        "A signature's score in a cell is the mean expression of its genes less that of other "
        "genes of like expression: 0 is no more than genes at large. Cells of one patient are not "
        "independent of each other, so that there is no p: read in how many patients the same type "
        "leads."
    )
    yield Paragraph(
        "Scores compare cells within a signature, not signatures with each other. Patients are not "
        "aligned: where the cells of one patient lie apart on the map, that may be the batch.",
        "caution",
    )
    yield from picture_of(
        results, "cell_maps", "Cells by type and score", "One dot a cell, like cells side by side."
    )
    yield from picture_of(
        results, "cell_genes", "Genes by cell type", "Dark: the type expresses the gene most."
    )
    yield _types(results)
    yield _scores(results)
    yield _genes(results)


def _origin(results: Results) -> str:
    """Whose cells there are, who said what they are, and what was left out."""
    cells, decisions = results.table("cells"), results.table("cell_decisions")
    patients = set(cells["patient"])
    shared = len(patients & set(results.table("patients")["patient"].astype(str)))
    clustered = decisions["item"].str.contains("to be clustered").any()
    types = count(cells["cell_type"].nunique(), "cluster" if clustered else "labelled type")
    dropped = decisions[
        decisions["item"].str.startswith("cells ")
        & decisions["item"].str.endswith(", dropped")
        & (decisions["count"] > 0)
    ]
    reasons = [
        f"{row['count']:,} {row['item'].removesuffix(', dropped')}" for row in records(dropped)
    ]
    whose = "all" if shared == len(patients) else f"{shared:,}" if shared else "none"
    people = f"{count(len(patients), 'patient')} ({whose} of this cohort)"
    left_out = join_words(reasons) or "no cell"
    return f"{count(len(cells), 'cell')} of {people} in {types}. Left out: {left_out}."


def _types(results: Results) -> Table:
    """How many cells of which type, in how many patients."""
    types = results.table("cells").groupby("cell_type")["patient"].agg(["size", "nunique"])
    types = types.sort_values("size", ascending=False, kind="stable")
    rows = [(str(kind), f"{n:,}", f"{patients:,}") for kind, n, patients in types.itertuples()]
    return table("Cells", ("cell type", ">cells", ">patients"), rows)


def _scores(results: Results) -> Table:
    """The cell types in which each region's signature scores highest."""
    means = results.table("cell_score_means").dropna(subset=["mean"])
    fewest = int(results.block("single_cell").get("min_cells", 1))
    rows = []
    for name in results.region_names():
        own = means[means["signature"] == name]
        if own.empty:
            continue
        sums = own.assign(total=own["mean"] * own["n_cells"]).groupby("cell_type")
        pooled = (sums["total"].sum() / sums["n_cells"].sum()).sort_values(ascending=False)
        first, *others = [(str(kind), format_number(score, 2)) for kind, score in pooled.items()]
        rows.append(
            (
                name,
                f"{own['genes_found'].iloc[0]:,} of {own['genes'].iloc[0]:,}",
                *first,
                *(others[0] if others else (MISSING, MISSING)),
                _agreeing(own[own["n_cells"] >= fewest], first[0]),
            )
        )
    heads = (
        *("signature", ">genes found", "highest in", ">mean score", "then in", ">mean score"),
        ">patients agreeing",
    )
    note = (
        "Patients agreeing: in whom that type is highest, of those with "
        f"{count(fewest, 'cell')} of it and of another type."
    )
    return table("Scores of the signatures", heads, rows, note)


def _agreeing(means: pd.DataFrame, kind: str) -> str:
    """In how many of the patients who can tell this type has the highest mean."""
    by_patient = [own.set_index("cell_type")["mean"] for _, own in means.groupby("patient")]
    telling = [own for own in by_patient if kind in own.index and len(own) > 1]
    return f"{sum(own.idxmax() == kind for own in telling):,} of {len(telling):,}"


def _genes(results: Results) -> Table:
    """The genes of each region's signature that tell one cell type best."""
    genes, regions = results.table("cell_genes"), list(results.region_names())
    number = int(results.block("report").get("top_genes", 8))
    genes = genes[genes["cell_type"] != ""]
    each = genes.assign(signature=genes["signatures"].str.split(";")).explode("signature")
    each = each[each["signature"].isin(regions)]
    each = each.sort_values(["patients_agreeing", "tau", "mean"], ascending=False, kind="stable")
    top = top_of_each(each, number, by="signature", order=regions)
    rows = [
        (
            str(row["signature"]),
            str(row["gene"]),
            str(row["cell_type"]),
            format_number(row["mean"], 2),
            percent(row["share"]),
            str(row["next_type"]) or MISSING,
            format_number(row["next_mean"], 2),
            format_number(row["tau"], 2),
            f"{row['patients_agreeing']:,} of {row['patients']:,}",
        )
        for row in records(top)
    ]
    heads = (
        *("signature", "gene", "highest in", ">mean", ">cells with it", "then in", ">mean"),
        *(">tau", ">patients agreeing"),
    )
    note = (
        f"Up to {number} genes a signature. Mean of log(1 + counts per 10,000); tau is 1 where one "
        "type alone expresses the gene, 0 where all do alike. All stand in omics/cell_genes.tsv."
    )
    return table("Which cell type expresses which gene", heads, rows, note)


def _crosstalk(results: Results) -> Iterator[Block]:
    """The rule, what it kept, and what it cannot tell."""
    settings, decisions = results.block("ligand_receptor"), results.table("interaction_decisions")
    counts = decisions.set_index("item")["count"]
    patients = int(counts["patients with two cell types or more"])
    yield Paragraph(
        "Looked for in each patient on its own: a ligand that one cell type expresses (the sender) "
        "and its receptor on another or the same type (the receiver; paracrine or autocrine). LR "
        "score √(l·r) / (m + √(l·r)), l and r the mean expression of the two and m that of all "
        "genes: 0.5 where ligand and receptor are as high as genes at large, towards 1 above. "
        f"p: {int(settings['permutations']):,} shuffles of the labels of the patient's cells; q "
        "after Benjamini-Hochberg over all tests of the patient."
    )
    yield Paragraph(_rule(results, counts, patients))
    yield from _gaps(results, patients)
    yield Paragraph(
        "RNA of a ligand and of its receptor is no proof that the proteins meet; neither protein "
        "nor distance was measured. p may be small where one of the two genes alone marks its "
        "type.",
        "caution",
    )
    yield from picture_of(
        results, "interactions", "Ligand-receptor pairs", "Dark edge: kept. Large: small p."
    )
    yield from picture_of(
        results, "interaction_network", "Who talks to whom", "Arrows from sender to receiver."
    )
    yield from _interactions(results)


def _rule(results: Results, counts: "pd.Series[int]", patients: int) -> str:
    """What was tested, and what is kept."""
    settings = results.block("ligand_receptor")
    signatures, receivers = (
        " or ".join(map(str, settings[key])) for key in ("signatures", "receivers")
    )
    whole = count(int(counts["in the table"]), "pair")
    tested = int(counts["with the receptor in a chosen signature"])
    seen = count(int(settings["min_expressing"]), "cell")
    receiver = f", received by {receivers}" if receivers else ""
    share = settings["patients_share"]
    among = "every one" if share == 1 else percent(share)
    where = {"pair": "between whichever types", "interaction": "between the same two types"}
    return (
        f"Of {whole} in the table, {tested:,} have both genes among the cells' genes and the "
        f"receptor in the signature of {signatures or 'any region'}. Tested in a patient: those "
        f"whose genes are each seen in {seen} or more. Present in a patient: score above "
        f"{settings['score']:g} and q of {settings['q']:g} or less{receiver}. Kept: present in "
        f"{among} of {count(patients, 'patient')} with two cell types or more, "
        f"{where[settings['appears_as']]}."
    )


def _gaps(results: Results, patients: int) -> Iterator[Block]:
    """Cautions on signatures without a gene, and on shuffles too few for a small q."""
    settings, decisions = results.block("ligand_receptor"), results.table("interaction_decisions")
    empty = decisions[decisions["item"] == "chosen signatures without a gene"]
    for names in empty.loc[empty["count"] > 0, "detail"]:
        yield Paragraph(f"No gene is in the signature of {names}, and so no receptor.", "caution")
    tests = decisions.loc[decisions["item"] == "tests", "count"]
    short = int((tests > settings["q"] * (1 + settings["permutations"])).sum())
    if short:
        yield Paragraph(
            f"In {short:,} of {count(patients, 'patient')} so many tests were made that a pair "
            f"which alone is present could not reach q {settings['q']:g} with "
            f"{settings['permutations']:,} shuffles; more of them may show more.",
            "caution",
        )


def _interactions(results: Results) -> Iterator[Block]:
    """Table of what was kept."""
    summary = results.table("interaction_summary")
    kept = summary[summary["patients_kept"] > 0]
    if kept.empty:
        yield Paragraph("No ligand-receptor pair is kept.", "caution")
        return
    rows = [
        (
            str(row["ligand"]),
            str(row["receptor"]),
            str(row["signatures"]).replace(";", ", "),
            str(row["sender"]),
            str(row["receiver"]),
            str(row["kind"]),
            f"{row['patients_kept']:,} of {row['patients']:,}",
            format_number(row["score_median"], 2),
            format_number(row["score_min"], 2),
            format_p(row["p_max"]),
            format_p(row["q_max"]),
        )
        for row in records(kept.head(_MOST))
    ]
    heads = (
        *("ligand", "receptor", "signature", "sender", "receiver", "kind", ">patients"),
        *(">median score", ">lowest", ">largest p", ">largest q"),
    )
    pairs = len(kept[["ligand", "receptor"]].drop_duplicates())
    title = f"{count(pairs, 'pair')} kept, in {count(len(kept), 'interaction')}"
    note = (
        f"{f'The first {_MOST}. ' if len(kept) > _MOST else ''}Patients: in whom it is kept, of "
        "those who have both types; lowest score and largest p and q are over all of these. All "
        "stand in omics/interaction_summary.tsv, by patient in omics/interactions.tsv."
    )
    yield table(title, heads, rows, note)
