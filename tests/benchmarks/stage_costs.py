"""What each stage takes of a made slide, and the networks of a tile."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from made_scan import write_scan
from made_slide import MPP, SIDE, write_svs
from safetensors.torch import save_file
from scipy import ndimage
from torch.utils.flop_counter import FlopCounterMode

from histoniche.cohort.config import check_config
from histoniche.cohort.palette import find_palette, read_palette
from histoniche.cohort.scan_sheet import FITTED_MAPS
from histoniche.files import read_json, whole_folder
from histoniche.imaging.preparation import prepare_scan
from histoniche.imaging.prepared import Prepared
from histoniche.learning.classifiers import build_encoder
from histoniche.learning.models import save_model
from histoniche.learning.networks import build_network
from histoniche.regions.application import segment_slides
from histoniche.regions.maps import map_regions
from histoniche.slides.inspected import Inspected
from histoniche.slides.inspection import inspect_slide
from histoniche.slides.store import TILES_PER_SHARD, TileStore, TileWriter
from histoniche.slides.tiling import tile_slide
from histoniche.traits.features import encode_slides

INSPECTION, OF_REGIONS, OF_FEATURES = "inspection", "regions", "features by ViT-L/16"
OF_SCAN = "a scan's maps, for every second slide"
# Side of the slide whose tiles are encoded, which takes most, and on CPUs minutes.
SMALL = 6144 if torch.cuda.is_available() else 2048
# A patient has about two slides, and one scan.
SCANS_A_SLIDE = 0.5
PALETTE = [region._asdict() for region in read_palette(find_palette("ivygap"))]
CONFIG = check_config(
    {
        "study": {"name": "capacity"},
        "cohort": {"patients": "patients.tsv", "slides": "slides.tsv"},
        "tilings": {
            "region": {"mpp": 2, "size": 256},
            "cell": {"mpp": 0.5, "size": 224, "codec": "zstd"},
        },
        "segmentation": {"tiling": "region"},
        "imaging": {"scans": "scans.tsv"},
        "survival": {},
    },
    file="capacity",
)
ENCODER = {
    "encoder": "vit_large_patch16_224",
    "encoder_weights": "file",
    "encoder_sha256": None,
    "encoder_options": {"init_values": 0.00001, "dynamic_img_size": True},
    "normalisation": "imagenet",
    "input_px": None,
    "tokens": False,
}


class Stage(NamedTuple):
    """What one stage takes of a slide."""

    cpu: float
    """CPU seconds."""
    gpu: float
    """Seconds of a GPU."""
    gigabytes: float
    files: float
    """All but the shards of stores, which grow with the tiles."""
    shards: float


def cpu_seconds() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    return sum(os.times()[:4])


def measured(
    work: Callable[[], None], place: Path, *, gpu: bool = False, warm_up: int = 1
) -> Stage:
    """Run a stage, warm, and look at what it leaves behind."""
    for _ in range(warm_up):
        work()
    start, cpu = time.perf_counter(), cpu_seconds()
    work()
    wall, cpu = time.perf_counter() - start, cpu_seconds() - cpu
    files = [file for file in place.rglob("*") if file.is_file()]
    shards = sum(_grows(file, place) for file in files)
    gigabytes = sum(file.stat().st_size for file in files) / 1e9
    # And the note that the slide is done.
    return Stage(cpu, wall if gpu else 0.0, gigabytes, len(files) - shards + 1, shards)


def _grows(file: Path, place: Path) -> bool:
    """Whether a file is a part of an array that has more of them where there are more tiles."""
    parts = file.relative_to(place).parts
    if "c" not in parts:
        return False
    array: Any = read_json(place.joinpath(*parts[: parts.index("c")], "zarr.json"))
    rows = array["chunk_grid"]["configuration"]["chunk_shape"][0]
    # The columns of a store of tiles are one piece each, however long.
    return rows == TILES_PER_SHARD or rows < array["shape"][0]


def measure(folder: Path) -> tuple[dict[str, Stage], dict[str, int]]:
    """Every stage of a made slide, and its tiles by tiling."""
    regions, counts = measure_slide(folder / "regions", SIDE, "region", OF_REGIONS)
    features, more = measure_slide(folder / "features", SMALL, "cell", OF_FEATURES)
    # Both were looked at; the larger is as a slide is.
    del features[INSPECTION]
    scan = {OF_SCAN: measure_scan(folder / "scan")}
    return regions | features | scan, counts | more


def measure_scan(folder: Path) -> Stage:
    """One patient's maps from their files to the sample that networks see, by so many a slide."""
    files = write_scan(folder)
    out = folder / "prepared"
    whole = measured(
        lambda: prepare_scan(
            {"patient": "P1", **files}, Prepared.beneath(out),
            maps=FITTED_MAPS, unit=CONFIG["imaging"]["unit"], sample=CONFIG["imaging"]["sample"],
        ),
        out,
    )  # fmt: skip
    if read_json(Prepared.beneath(out).quality)["status"] != "ok":
        raise RuntimeError("the made scan is not fit to be measured")
    return Stage(*(SCANS_A_SLIDE * amount for amount in whole))


def measure_slide(
    folder: Path, side: int, tiling: str, network: str
) -> tuple[dict[str, Stage], dict[str, int]]:
    """One slide from its file to what a network says of its tiles, and how many these are."""
    folder.mkdir()
    path, tiles, found = folder / "S1.svs", folder / "tiles", folder / "found"
    write_svs(path, side)
    seen = Inspected.beneath(folder / "slide")
    settings = {key: value for key, value in CONFIG["slides"].items() if key != "limits"}
    stages = {
        INSPECTION: measured(
            lambda: inspect_slide(
                path, seen, slide="S1", mpp=MPP, tissue_mask=None, settings=settings
            ),
            folder / "slide",
        ),
        f"tiles for {network}": measured(
            lambda: tile_slide(
                path, seen.report, seen.tissue, seen.artefacts, tiles,
                slide="S1", annotation=None, palette=[], tiling=CONFIG["tilings"][tiling],
                verdict={"status": "ok", "reason": ""}, threads=1,
            ),
            tiles,
        ),
    }  # fmt: skip
    work = (segmenting if network == OF_REGIONS else encoding)(folder)
    gpu = torch.cuda.is_available()
    loading = measured(lambda: work({}, {}), found, gpu=gpu)
    whole = measured(lambda: work({"S1": tiles}, {"S1": found}), found, gpu=gpu, warm_up=0)
    # A job loads its networks once for all of its slides.
    stages[network] = whole._replace(cpu=whole.cpu - loading.cpu, gpu=whole.gpu - loading.gpu)
    if network == OF_REGIONS:
        out = folder / "map"
        smooth_regions(found)
        stages["region maps"] = measured(
            lambda: map_regions(
                found, seen.thumbnail, out_map=out / "map.ome.zarr",
                out_geojson=out / "regions.geojson", out_overlay=out / "overlay.png",
                out_areas=out / "areas.json", palette=PALETTE, tolerance_um=8,
            ),
            out,
        )  # fmt: skip
    return stages, {tiling: len(TileStore(tiles))}


def smooth_regions(found: Path) -> None:
    """Draw regions as a trained network finds them: one at random finds nothing but speckles."""
    store = TileStore(found)
    size, cells = int(store.attributes["size"]), store.column("cell")
    columns, rows = cells.max(0) + 1
    rng = np.random.default_rng(0)
    coarse = rng.standard_normal((len(PALETTE), 4 * rows, 4 * columns))
    smooth = ndimage.gaussian_filter(coarse, (0, 2, 2))
    labels = ndimage.zoom(smooth.argmax(0).astype(np.uint8), size // 4, order=0)
    whole = labels.reshape(rows, size, columns, size).swapaxes(1, 2)
    kept = {name: store.column(name) for name in ("cell", "origin", "tissue")}
    shapes = {"label": (size, size), "confidence": (size, size)}
    attributes = {key: value for key, value in store.attributes.items() if key != "manifest"}
    with whole_folder(found) as temporary:
        writer = TileWriter(temporary, len(cells), shapes)
        for column, row in cells:
            tile = whole[row, column]
            writer.append(label=tile, confidence=np.full_like(tile, 200))
        writer.close(kept, attributes)


Work = Callable[[Mapping[str, Path], Mapping[str, Path]], None]
"""What a network does with stores of tiles, by slide, and where it writes."""


def segmenting(folder: Path) -> Work:
    """The default network of regions, at random."""
    training = {**CONFIG["segmentation"]["training"], "encoder_weights": None}
    tiling = CONFIG["tilings"]["region"]
    description = {
        "task": "segmentation", "classes": [entry["region"] for entry in PALETTE],
        "settings": training, "temperature": 1.0, "mpp": float(tiling["mpp"]),
        "size": tiling["size"], "normalisation": {"mean": [0.6] * 3, "deviation": [0.2] * 3},
    }  # fmt: skip
    save_model(build_network(training, classes=len(PALETTE)), description, folder / "network")
    return lambda stores, outs: segment_slides(
        stores, outs, {"all": [folder / "network"]}, patients={"S1": "P1"}, palette=PALETTE,
        settings=CONFIG["segmentation"]["application"], threads=torch.get_num_threads(),
    )  # fmt: skip


def encoding(folder: Path) -> Work:
    """A ViT-L/16, as UNI is one, at random."""
    weights = folder / "encoder.safetensors"
    save_file(build_encoder(ENCODER)[0].state_dict(), weights)
    return lambda stores, outs: encode_slides(
        stores, outs, settings=ENCODER, encoder_weights=weights, threads=torch.get_num_threads()
    )


def operations() -> dict[str, float]:
    """Floating-point operations of the networks for a tile."""
    training = {**CONFIG["segmentation"]["training"], "encoder_weights": None}
    networks = {
        OF_REGIONS: (build_network(training, classes=len(PALETTE)), "region"),
        OF_FEATURES: (build_encoder(ENCODER)[0], "cell"),
    }
    found = {}
    for name, (network, tiling) in networks.items():
        size = CONFIG["tilings"][tiling]["size"]
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            network.eval()(torch.zeros(1, 3, size, size))
        found[name] = float(counter.get_total_flops())
    return found
