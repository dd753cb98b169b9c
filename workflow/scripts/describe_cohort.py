"""Write how a public cohort came about: who is in it, and what was fetched when."""

import shutil
from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.cohort.sources.records import write_fetched
    from histoniche.report.figures.cohort_flow import draw_cohort_flow

    folder = Path(snakemake.input.flow).parent
    write_fetched(folder)
    shutil.copyfile(folder / "fetched.tsv", snakemake.output.fetched)
    for name in ("flow", "decisions", "rules"):
        shutil.copyfile(snakemake.input[name], snakemake.output[name])
    draw_cohort_flow(Path(snakemake.input.flow), figure=Path(snakemake.output.cohort_flow))
