"""Search: the trials of each network ranked, reviewed if that is required, and the best taken."""

if TRIALS:

    rule rank_trials:
        input:
            models=trials_of("model.json"),
        output:
            leaderboard=report(
                "<results>/tuning/{head}/{fold}/leaderboard.parquet",
                caption="../report/leaderboard.rst",
                category="Segmentation",
            ),
            twin="<results>/tuning/{head}/{fold}/leaderboard.tsv",
        log:
            "<logs>/rank_trials/{head}.{fold}.log",
        benchmark:
            "<benchmarks>/rank_trials/{head}.{fold}.tsv"
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(1000),
            runtime=scaled(10),
        params:
            rule=SEGMENTATION["tuning"]["choose"],
            space=SEGMENTATION["tuning"]["space"],
            seed=config["seed"],
            code=code_version("rank_trials"),
        message:
            "Ranking the trials of {wildcards.head}, fold {wildcards.fold}"
        script:
            "../scripts/rank_trials.py"

    rule choose_trial:
        input:
            leaderboard="<results>/tuning/{head}/{fold}/leaderboard.parquet",
            models=trials_of("model.json"),
            weights=trials_of("model.safetensors"),
            histories=trials_of("history.parquet"),
        output:
            description="<results>/models/{head}/{fold}/model.json",
            weights="<results>/models/{head}/{fold}/model.safetensors",
            history="<results>/models/{head}/{fold}/history.parquet",
            twin="<results>/models/{head}/{fold}/history.tsv",
            augmented="<results>/models/{head}/{fold}/augmented.png",
        log:
            "<logs>/choose_trial/{head}.{fold}.log",
        benchmark:
            "<benchmarks>/choose_trial/{head}.{fold}.tsv"
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(1000),
            runtime=scaled(10),
        params:
            reviewed=study.reviewed,
            accepted=lambda wildcards: study.accepted(
                wildcards.head, int(wildcards.fold)
            ),
            code=code_version("choose_trial"),
        message:
            "Taking the best trial of {wildcards.head}, fold {wildcards.fold}"
        script:
            "../scripts/choose_trial.py"

    rule picture_trials:
        input:
            leaderboard="<results>/tuning/{head}/{fold}/leaderboard.parquet",
            models=trials_of("model.json"),
            weights=trials_of("model.safetensors"),
            tiles=SEGMENTED_TILES.manifests(ANNOTATED),
            inspected=INSPECTED.manifests(ANNOTATED),
            split="<results>/cohort/split.parquet",
        output:
            directory("<results>/review/{head}/{fold}"),
        log:
            "<logs>/picture_trials/{head}.{fold}.log",
        benchmark:
            "<benchmarks>/picture_trials/{head}.{fold}.tsv"
        conda:
            "../../envs/imaging.yaml"
        container:
            CONTAINERS["imaging"]
        threads: 4
        resources:
            mem_mb=scaled(8000),
            runtime=scaled(120),
            gpu=1,
        params:
            slides=ANNOTATED,
            patients=owners(ANNOTATED),
            palette=PALETTE,
            settings=SEGMENTATION["application"],
            reviewed=SEGMENTATION["tuning"]["reviewed"],
            by_fold=study.cross_validates,
            code=code_version("picture_trials"),
        message:
            "Picturing the best trials of {wildcards.head}, fold {wildcards.fold}"
        script:
            "../scripts/picture_trials.py"

    rule write_review:
        input:
            pictures=[f"<results>/review/{model}" for model in NETWORKS],
        output:
            page=report(
                "<results>/review/review.html",
                caption="../report/review.rst",
                category="Segmentation",
            ),
            verdicts="<results>/review/verdicts.tsv",
        log:
            "<logs>/write_review.log",
        benchmark:
            "<benchmarks>/write_review.tsv"
        conda:
            "../../envs/analysis.yaml"
        container:
            CONTAINERS["analysis"]
        threads: 1
        resources:
            mem_mb=scaled(2000),
            runtime=scaled(20),
        params:
            palette=PALETTE,
            study=config["study"],
            code=code_version("write_review"),
        message:
            "Writing the review page"
        script:
            "../scripts/write_review.py"
