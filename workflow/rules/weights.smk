"""Published weights that networks start from, fetched where there is internet."""

# Encoders whose weights have to be fetched, by the name of their file.
FETCHED = {
    name_of_weights(settings): encoder_settings(settings)
    for settings in started_networks()
    if needs_fetching(settings)
}


rule fetch_encoder_weights:
    output:
        weights=f"{config['weights']}/{{published}}.safetensors",
        description=f"{config['weights']}/{{published}}.json",
    log:
        "<logs>/fetch_encoder_weights/{published}.log",
    benchmark:
        "<benchmarks>/fetch_encoder_weights/{published}.tsv"
    wildcard_constraints:
        published=any_of(FETCHED),
    # Nodes of a cluster have no internet.
    localrule: True
    conda:
        "../../envs/imaging.yaml"
    container:
        CONTAINERS["imaging"]
    threads: 1
    resources:
        mem_mb=scaled(8000),
        runtime=scaled(60),
    params:
        encoder=lambda wildcards: FETCHED[wildcards.published],
        code=code_version("fetch_encoder_weights"),
    message:
        "Fetching the published weights {wildcards.published}"
    script:
        "../scripts/fetch_encoder_weights.py"
