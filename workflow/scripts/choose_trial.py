"""Take the best trial of one network, or the best that was accepted."""

import logging
from pathlib import Path

from histoniche.jobs import job

with job(snakemake.log[0]):
    from histoniche.learning.leaderboard import choose_trial

    folders = (Path(path).parent for path in snakemake.input.models)
    chosen = choose_trial(
        Path(snakemake.input.leaderboard),
        {int(folder.name): folder for folder in folders},
        Path(snakemake.output.description).parent,
        reviewed=snakemake.params.reviewed,
        accepted=snakemake.params.accepted,
    )
    logging.info("trial %d is the model", chosen)
