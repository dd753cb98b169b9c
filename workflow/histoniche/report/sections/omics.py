"""Sections on the gene signatures and the gene sets behind them."""

import pandas as pd

from histoniche.report.blocks import Block, Paragraph, Section, Table, not_run, table
from histoniche.report.numbers import MISSING, format_number, format_p
from histoniche.report.pictures import picture_of
from histoniche.report.results import Results, records, top_of_each
from histoniche.wording import join_words

_Q = 0.05
_SIGNATURES = "Gene signatures"
_ENRICHMENT = "Gene sets behind the signatures"


def signatures_section(results: Results) -> Section:
    """Report which genes rise with the area of which region, and how many chance would give."""
    if not results.has("signatures", "sizes", "correlation"):
        missing = "signatures" if results.block("expression") else "expression"
        return not_run("signatures", _SIGNATURES, missing)
    rule = results.block("signatures")
    kind = rule.get("p_kind", "raw")
    p = {"raw": "p", "q": "q", "family": "family-wise p"}[kind]
    text = (
        "A gene belongs to a region's signature if its expression rises with the region's area: "
        f"Spearman ρ > {rule.get('rho', 0):g} and {p} < {rule.get('p', 0):g}"
    )
    text += (
        ", not corrected, as in GBM_WSSM. With thousands of genes that rule lets many pass by "
        "chance: compare the size with what chance gives, and look at q."
        if kind == "raw"
        else "."
    )
    text += " q is p after Benjamini-Hochberg over the genes tested for the region"
    count = rule.get("permutations", 0)
    text += (
        f"; the family-wise p is from {count:,} permutations of the patients: it is below 0.05 for "
        "any gene without an association in one study of twenty, however genes go along with "
        "each other."
        if count
        else "."
    )
    if scores := results.signed_scores():
        text += f" Signatures of {join_words(scores)} are made alike, with the score for the area."
    blocks: list[Block] = [
        Paragraph(text),
        *picture_of(
            results,
            "signature_sizes",
            "Size of each signature",
            "Genes that meet the rule, those that also hold after correction, and what would "
            "pass if no gene had anything to do with the area.",
        ),
        _sizes(results),
        *picture_of(
            results,
            "signature_genes",
            "Leading genes",
            "A gene specific to its region is red in its own row and pale in the others.",
        ),
        *picture_of(
            results,
            "signature_heat_map",
            "Leading genes in every patient",
            "Patients across, genes down, alike beside alike; above, the regions' areas.",
        ),
        _leading_genes(results),
    ]
    if results.has("decisions"):
        blocks.append(_decisions(results.table("decisions")))
    if results.has("expression_patients"):
        blocks.append(_fallen_out(results))
    return Section("signatures", _SIGNATURES, blocks)


def enrichment_section(results: Results) -> Section:
    """Report the gene sets that share more genes with a signature than chance gives."""
    if not results.has("enrichment"):
        return not_run("enrichment", _ENRICHMENT, "enrichment")
    terms = results.table("enrichment")
    sure = terms[terms["q"] < _Q]
    libraries = ", ".join(sorted(results.block("enrichment").get("gene_sets", {})))
    text = (
        f"Libraries: {libraries}. Pairs of signature and gene set with q < 0.05: {len(sure):,}. "
        "The background is the genes that were tested, not the genome."
    )
    blocks: list[Block] = [
        Paragraph(text),
        *picture_of(
            results, "enrichment", "Leading gene sets", "Signatures across, gene sets down."
        ),
    ]
    number = int(results.block("report").get("top_genes", 8))
    order = list(dict.fromkeys(terms["signature"]))
    ranked = sure.sort_values(["q", "p", "term"])
    ranked = top_of_each(ranked, number, by="signature", order=order)
    rows = [
        (
            str(row["signature"]),
            str(row["term"]).replace("_", " "),
            str(row["library"]),
            f"{row['overlap']:,} of {row['set_size']:,}",
            format_number(row["odds_ratio"]),
            format_p(row["p"]),
            format_p(row["q"]),
        )
        for row in records(ranked)
    ]
    heads = ("signature", "gene set", "library", ">genes shared", ">odds ratio", ">p", ">q")
    note = f"Up to {number} gene sets a signature, q < 0.05. All stand in omics/enrichment.tsv."
    if rows:
        blocks.append(table("Leading gene sets", heads, rows, note))
    else:
        blocks.append(Paragraph("No gene set holds after correction.", "caution"))
    return Section("enrichment", _ENRICHMENT, blocks)


def _sizes(results: Results) -> Table:
    """Size of every region's signature, and of its parts by survival."""
    counts = {str(row["signature"]): row for row in records(results.table("sizes"))}
    rows = []
    for code, name in results.signature_names().items():
        if code not in counts:
            continue
        row = counts[code]
        parts = [counts[part]["genes"] for part in (f"{code}pos", f"{code}neg") if part in counts]
        rows.append(
            (
                f"{name} ({code})" if name != code else name,
                f"{row['genes']:,}",
                f"{row['genes_q05']:,}",
                f"{row['genes_family05']:,}",
                format_number(row["expected_by_chance"], 2),
                " / ".join(f"{part:,}" for part in parts) or MISSING,
                f"{row['tested']:,}",
            )
        )
    heads = (
        ">genes",
        ">of them q < 0.05",
        ">family-wise p < 0.05",
        ">by chance",
        ">pos / neg",
        ">genes tested",
    )
    tie = {
        "deaths": "rises / falls with survival time among the patients who died",
        "cox": "goes with a lower / higher hazard in Cox's model",
    }[results.block("signatures").get("survival", "deaths")]
    note = (
        f"pos / neg: the genes whose expression {tie}; they make signatures of their own, such as "
        "CTpos and CTneg."
    )
    return table("Sizes of the signatures", ("signature", *heads), rows, note)


def _leading_genes(results: Results) -> Table:
    """The genes with the largest rho of each region's signature."""
    members, names = results.table("signatures"), results.signature_names()
    number = int(results.block("report").get("top_genes", 8))
    whole = members[members["signature"] == members["region"]]
    tested = set(results.table("sizes")["region"])
    rows = []
    for code, name in names.items():
        if code not in tested:
            continue
        top = whole[whole["region"] == code].sort_values(["rho", "gene"], ascending=[False, True])
        genes = ", ".join(
            f"{gene} ({rho:.2f}{'' if q < _Q else '?'})"
            for gene, rho, q in top.head(number)[["gene", "rho", "q"]].itertuples(index=False)
        )
        rows.append((f"{name} ({code})" if name != code else name, genes or "none"))
    note = "In brackets: Spearman ρ; ? marks a gene whose q is 0.05 or more."
    return table("Leading genes", ("signature", "genes"), rows, note)


def _fallen_out(results: Results) -> Table:
    """Why samples and patients have no part in the statistics, with their numbers."""
    rows = []
    for source in ("expression", "mutation"):
        if not results.has(f"{source}_patients"):
            continue
        samples = results.table(f"{source}_patients")
        used = samples[samples["used"]]
        rows.append((source, "used", f"{len(used):,}", f"{used['patient'].nunique():,}"))
        for reason, others in samples[~samples["used"]].groupby("reason"):
            named = int((others["sample"] != "").sum())
            rows.append((source, str(reason), f"{named:,}", f"{others['patient'].nunique():,}"))
    note = "One by one they stand in omics/expression_patients.tsv and mutation_patients.tsv."
    heads = ("source", "what became of them", ">samples", ">patients")
    return table("Who fell out", heads, rows, note)


def _decisions(decisions: pd.DataFrame) -> Table:
    """What was decided on the way from the table of expression to the tests."""
    # One row a duplicated gene: too many for a page.
    shown = decisions[decisions["step"] != "duplicates"]
    rows = [
        (str(row["step"]), str(row["item"]), f"{row['count']:,}", _short(str(row["detail"])))
        for row in records(shown)
    ]
    heads = ("step", "item", ">count", "detail")
    note = "Duplicated genes are listed in omics/expression_decisions.tsv."
    note = note if len(shown) < len(decisions) else ""
    return table("How the expression was prepared", heads, rows, note)


def _short(text: str) -> str:
    """A long detail cut; the whole stands in the table of decisions."""
    return text if len(text) <= 240 else f"{text[:239]}…"
