"""What `resample: dct` changes: pixels on real slides, regions on the demo cohort.

python tests/benchmarks/dct.py SLIDE.svs ... --demo results/demo --cohort results/demo-cohort
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import tifffile
import torch
from PIL import Image

from histoniche.cohort.palette import find_palette, read_palette
from histoniche.learning.metrics import class_metrics, confusion_matrix
from histoniche.learning.models import choose_device
from histoniche.regions.heads import fused_logits, load_heads
from histoniche.slides.readers.choice import open_slide
from histoniche.slides.scaling import read_scaled
from histoniche.tables import read_table

SIZE = 512


def differences(path: Path, factor: int) -> np.ndarray:
    """Absolute differences of area averages and the decoder's scaling over a whole slide."""
    found = []
    with (
        open_slide(path, mpp=1.0) as plain,
        open_slide(path, mpp=1.0, reduced=True) as reduced,
    ):
        width, height, _ = plain.levels[0]
        side = SIZE * factor
        for y in range(0, height - side + 1, side):
            for x in range(0, width - side + 1, side):
                where = {"x": x, "y": y, "width": side, "height": side, "size": (SIZE, SIZE)}
                area, dct = (read_scaled(slide, **where) for slide in (plain, reduced))
                if area.std() > 5:
                    found.append(np.abs(area.astype(int) - dct).ravel())
    return np.concatenate(found) if found else np.empty(0)


@torch.inference_mode()
def regions(demo: Path, cohort: Path, slides: list[str]) -> None:
    """Regions found on the demo's test slides from both kinds of halves."""
    palette = [region._asdict() for region in read_palette(find_palette("ivygap"))]
    heads = load_heads({"all": [demo / "models" / "all" / "0"]}, palette, device=choose_device())
    colours = {int(entry["colour"][1:], 16): entry["label"] for entry in palette}
    same = total = 0
    matrices = {way: np.zeros((len(palette),) * 2, np.int64) for way in ("area", "dct")}
    with tempfile.TemporaryDirectory() as name:
        for slide in slides:
            source = cohort / "slides" / f"{slide}.tif"
            with open_slide(source, mpp=4.0) as opened:
                width, height, _ = opened.levels[0]
                pixels = opened.read(0, 0, 0, width // 64 * 64, height // 64 * 64)
            # Without its pyramid, so that the halves have to be made.
            path = Path(name) / "flat.tif"
            tifffile.imwrite(
                path, pixels, tile=(256, 256), compression="jpeg",
                compressionargs={"level": 85}, photometric="rgb", metadata=None,
            )  # fmt: skip
            mask = _mask(cohort / "masks" / f"{slide}.png", pixels.shape[:2], colours)
            found = {}
            for way in ("area", "dct"):
                with open_slide(path, mpp=4.0, reduced=way == "dct") as opened:
                    size = (pixels.shape[1] // 2, pixels.shape[0] // 2)
                    where = {"x": 0, "y": 0, "width": pixels.shape[1], "height": pixels.shape[0]}
                    half = read_scaled(opened, **where, size=size)
                batch = torch.from_numpy(half.copy()).permute(2, 0, 1)[None]
                found[way] = fused_logits(heads, batch, palette).argmax(1)[0].numpy()
                matrices[way] += confusion_matrix(mask, found[way], classes=len(palette))
            same += int((found["area"] == found["dct"]).sum())
            total += found["area"].size
    print(f"pixels with the same region: {same / total:.4f} of {total}")
    for way, matrix in matrices.items():
        print(f"mean IoU of the regions, {way}: {np.nanmean(class_metrics(matrix)['iou'][1:]):.4f}")


def _mask(path: Path, shape: tuple[int, int], colours: dict[int, int]) -> np.ndarray:
    """Every second pixel of a mask as labels."""
    with Image.open(path) as image:
        size = (shape[1] // 2, shape[0] // 2)
        part = image.convert("RGB").crop((0, 0, shape[1], shape[0]))
    rgb = np.asarray(part.resize(size, Image.Resampling.NEAREST)).astype(int)
    codes = (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]
    return np.vectorize(colours.get)(codes).astype(np.uint8)


def main() -> None:
    """Print the differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("slides", nargs="*", type=Path)
    parser.add_argument("--demo", type=Path, default=Path("results/demo"))
    parser.add_argument("--cohort", type=Path, default=Path("results/demo-cohort"))
    options = parser.parse_args()
    for path in options.slides:
        for factor in (2, 4, 8):
            found = differences(path, factor)
            if len(found):
                middle, most = np.quantile(found, [0.5, 0.99])
                mean = found.mean()
                print(f"{path.name} 1/{factor}: mean {mean:.2f}, median {middle:g}, 99 % {most:g}")
    split = read_table(options.demo / "cohort" / "split.parquet").set_index("patient")["role"]
    tested = [
        path.stem
        for path in sorted((options.cohort / "masks").glob("*.png"))
        if split.get(path.stem.rsplit("-", 1)[0]) == "test"
    ]
    regions(options.demo, options.cohort, tested)


if __name__ == "__main__":
    main()
