"""Memory does not grow with the slide."""

import json
import os
import struct
import subprocess
import sys
import textwrap

import imagecodecs
import numpy as np
from PIL import Image

from slide_settings import INSPECTION
from study import CHECKOUT

SIDE, SEGMENT = 100_000, 256


def write_huge(path):
    """A BigTIFF of 100,000 x 100,000 px whose 152,881 JPEG tiles are all the same bytes."""
    rng = np.random.default_rng(0)
    noise = rng.integers(100, 200, (SEGMENT // 8, SEGMENT // 8, 3), dtype=np.uint8)
    segment = imagecodecs.jpeg8_encode(np.kron(noise, np.ones((8, 8, 1), np.uint8)), level=80)
    with path.open("wb") as stream:
        stream.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))
        first = stream.tell()
        stream.write(segment)
        directories = []
        for side in (SIDE, SIDE // 32):
            count = (-(-side // SEGMENT)) ** 2
            offsets = stream.tell()
            stream.write(struct.pack("<Q", first) * count)
            lengths = stream.tell()
            stream.write(struct.pack("<Q", len(segment)) * count)
            tags = [
                (254, 4, 1, int(side != SIDE)), (256, 4, 1, side), (257, 4, 1, side),
                (258, 3, 3, 8 | 8 << 16 | 8 << 32), (259, 3, 1, 7), (262, 3, 1, 6),
                (277, 3, 1, 3), (284, 3, 1, 1), (322, 3, 1, SEGMENT), (323, 3, 1, SEGMENT),
                (324, 16, count, offsets), (325, 16, count, lengths), (530, 3, 2, 2 | 2 << 16),
            ]  # fmt: skip
            directories.append((stream.tell(), tags))
            stream.write(struct.pack("<Q", len(tags)))
            stream.write(b"".join(struct.pack("<HHQQ", *tag) for tag in tags))
            stream.write(struct.pack("<Q", 0))
        # Chain the directories.
        (place, tags), (following, _) = directories
        stream.seek(place + 8 + 20 * len(tags))
        stream.write(struct.pack("<Q", following))
        stream.seek(8)
        stream.write(struct.pack("<Q", place))


def test_a_slide_of_ten_gigapixels_is_inspected_and_tiled_in_under_one_gigabyte(tmp_path):
    slide = tmp_path / "huge.tif"
    write_huge(slide)
    # Tissue from edge to edge, in a band: as wide as it gets, not as long.
    mask = np.zeros((1000, 1000), np.uint8)
    mask[500:545] = 255
    Image.fromarray(mask).save(tmp_path / "given.png")
    script = textwrap.dedent("""
        import json, resource, sys
        from pathlib import Path
        from histoniche.slides.inspected import Inspected
        from histoniche.slides.inspection import inspect_slide
        from histoniche.slides.store import TileStore
        from histoniche.slides.tiling import tile_slide

        slide, folder = Path(sys.argv[1]), Path(sys.argv[2])
        names = ("report", "thumbnail", "tissue", "contour", "artefacts", "picture")
        files = Inspected(*(folder / name for name in names))
        settings = json.loads(sys.argv[3])
        inspect_slide(
            slide, files, slide="S1", mpp=0.25,
            tissue_mask=folder / "given.png", settings=settings,
        )
        tiling = {
            "mpp": 0.26, "size": 1024, "min_tissue": 0.5, "max_artefact": 1, "resample": "area",
            "codec": "zstd", "stain": {"method": "off"},
        }
        tile_slide(
            slide, files.report, files.tissue, files.artefacts, folder / "S1.zarr", slide="S1",
            annotation=None, palette=[], tiling=tiling, threads=2,
            verdict={"status": "ok", "reason": ""},
        )
        store = TileStore(folder / "S1.zarr")
        print(json.dumps({
            "tiles": len(store),
            "reader": store.attributes["reader"],
            # Not RUSAGE_SELF, which remembers the process that this one was started from.
            "kb": max(
                resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
                int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]),
            ),
        }))
    """)
    settings = {**INSPECTION, "thumbnail_px": 1000, "tissue": "otsu"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(slide), str(tmp_path), json.dumps(settings)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT / "workflow")},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    measured = json.loads(done.stdout)
    assert measured["reader"] == "jpeg"
    assert measured["tiles"] >= 4 * 94
    assert measured["kb"] < 1_000_000
