import pytest
import timm
import torch
from safetensors.torch import save_file

from histoniche.errors import InputError
from histoniche.files import sha256
from histoniche.learning.calibration import fit_temperature, sample_pixels
from histoniche.learning.encoder_weights import read_installed
from histoniche.learning.hypercolumns import HyperColumns
from histoniche.learning.installed_weights import installed_weights
from histoniche.learning.networks import build_network, published_colours, start_network
from histoniche.learning.tiramisu import FCDenseNet
from histoniche.learning.unet2015 import UNet2015
from training_settings import ARCHITECTURES, DEFAULTS

SETTINGS = {**DEFAULTS, "encoder": "resnet18", "decoder_channels": 4}


ENCODERS = {"DPT": "tu-vit_tiny_patch16_224", "TokenSegmenter": "vit_tiny_patch16_224"}


def cases():
    """Every architecture, at every depth where it has one."""
    staged = {"Unet", "UnetPlusPlus", "MAnet", "Linknet"}
    for architecture in ARCHITECTURES:
        for depth in (3, 4, 5) if architecture in staged else (5,):
            encoder = ENCODERS.get(architecture, "resnet18")
            yield pytest.param(
                {"architecture": architecture, "encoder": encoder, "encoder_depth": depth},
                id=f"{architecture}-{depth}",
            )


@pytest.mark.parametrize("change", list(cases()))
def test_every_architecture_gives_a_logit_a_class_and_pixel(change):
    network = build_network({**SETTINGS, **change, "dropout": 0.1}, classes=3)
    with torch.inference_mode():
        logits = network.eval()(torch.rand(1, 3, 128, 128))
    assert logits.shape == (1, 3, 128, 128)


def numbers(network):
    """Parameters, and running statistics of the normalisations."""
    statistics = [b for name, b in network.named_buffers() if "running" in name]
    return sum(p.numel() for p in network.parameters()), sum(b.numel() for b in statistics)


@pytest.mark.parametrize(
    ("blocks", "bottleneck", "published"),
    # Table 4 of arXiv 1611.09326: CamVid's eleven classes, in millions.
    [((4, 5, 7, 10, 12), 15, 9.4), ((5, 5, 5, 5, 5), 5, 3.5)],
    ids=["FC-DenseNet103", "FC-DenseNet67"],
)
def test_the_tiramisu_has_the_published_number_of_parameters(blocks, bottleneck, published):
    # The paper's count holds the normalisations' statistics, as its library counted.
    parameters, statistics = numbers(FCDenseNet(11, blocks=blocks, bottleneck=bottleneck))
    assert round((parameters + statistics) / 1e6, 1) == published


def test_the_tiramisu_has_103_convolutions():
    network = FCDenseNet(11)
    kinds = (torch.nn.Conv2d, torch.nn.ConvTranspose2d)
    assert sum(isinstance(module, kinds) for module in network.modules()) == 103


def test_the_original_u_net_has_its_31_million_parameters():
    assert numbers(UNet2015(2, channels=1)) == (31_030_658, 0)


@pytest.mark.parametrize("size", [(128, 96), (224, 224)])
@pytest.mark.parametrize(
    ("encoder", "options"),
    [
        ("vit_tiny_patch16_224", {}),
        # As Virchow2 and UNI are published, but small.
        ("vit_small_patch14_dinov2", {"mlp_layer": "SwiGLUPacked", "act_layer": "SiLU"}),
        ("vit_tiny_patch16_224", {"init_values": 1e-5}),
        ("vit_small_patch14_reg4_dinov2", {}),
    ],
)
def test_vision_transformers_see_tiles_of_any_size(encoder, options, size):
    change = {"architecture": "TokenSegmenter", "encoder": encoder, "encoder_options": options}
    network = build_network({**SETTINGS, **change}, classes=3)
    with torch.inference_mode():
        assert network.eval()(torch.rand(1, 3, *size)).shape == (1, 3, *size)


def test_a_frozen_encoder_does_not_learn():
    network = start_network({**SETTINGS, "encoder_frozen": True}, classes=3, weights=None)
    assert not any(p.requires_grad for p in network.encoder.parameters())
    assert all(p.requires_grad for p in network.decoder.parameters())
    whole = {**SETTINGS, "architecture": "FCDenseNet103", "encoder_frozen": True}
    with pytest.raises(InputError, match="no separate encoder"):
        start_network(whole, classes=3, weights=None)


def test_weights_of_another_digest_are_refused(tmp_path):
    encoder = build_network(SETTINGS, classes=3).encoder
    path = tmp_path / "encoder.safetensors"
    save_file({name: value.contiguous() for name, value in encoder.state_dict().items()}, path)
    start_network({**SETTINGS, "encoder_sha256": sha256(path)}, classes=3, weights=path)
    with pytest.raises(InputError, match="not the weights that encoder_sha256 names"):
        start_network({**SETTINGS, "encoder_sha256": 64 * "0"}, classes=3, weights=path)


def test_weights_of_timms_own_files_load_without_their_classifier(tmp_path):
    name = "tf_efficientnet_lite0"
    published = timm.create_model(name, num_classes=7).state_dict()
    path = tmp_path / "timm.safetensors"
    save_file({key: value.contiguous() for key, value in published.items()}, path)
    network = start_network({**SETTINGS, "encoder": f"tu-{name}"}, classes=3, weights=path)
    own = network.encoder.model.state_dict()
    assert torch.equal(own["conv_stem.weight"], published["conv_stem.weight"])


def test_hypercolumns_weigh_all_stages_as_if_each_were_enlarged_first():
    torch.manual_seed(0)
    network = HyperColumns(
        "resnet18", 3, depth=3, width=4, scales=(0.5, 1, 2), dropout=0.5, published=None
    ).eval()
    pixels = torch.rand(1, 3, 64, 96)
    views = [
        torch.nn.functional.interpolate(pixels, size=(128, 192), mode="bilinear"),
        pixels,
        torch.nn.functional.avg_pool2d(pixels, 2),
    ]
    seen = [stage for view in views for stage in network.encoder(view)[1:]]
    assert len(network.weighed) == len(seen) == 9

    def enlarged(one):
        """To a quarter of the image, doubling by doubling."""
        if one.shape[-1] > 24:
            return torch.nn.functional.avg_pool2d(one, one.shape[-1] // 24)
        while one.shape[-1] < 24:
            one = torch.nn.functional.interpolate(one, scale_factor=2, mode="bilinear")
        return one

    with torch.inference_mode():
        hidden = sum(layer(enlarged(one)) for layer, one in zip(network.weighed, seen, strict=True))
        expected = torch.nn.functional.interpolate(
            network.head(hidden), size=(64, 96), mode="bilinear"
        )
        assert torch.allclose(network(pixels), expected, atol=1e-5)


def test_weights_that_come_with_the_environment_need_no_internet():
    path = installed_weights("tu-tf_efficientnet_lite0")
    weights = read_installed("tu-tf_efficientnet_lite0", path)
    settings = {
        **SETTINGS, "architecture": "HyperColumns", "encoder": "tu-tf_efficientnet_lite0",
        "encoder_weights": "imagenet", "encoder_frozen": True,
    }  # fmt: skip
    network = start_network(settings, classes=3, weights=None)
    assert torch.equal(network.encoder.model.conv_stem.weight, weights["conv_stem.weight"])
    assert not any(one.requires_grad for one in network.encoder.parameters())
    # Layers under the right names keep a picture's energy; exchanged ones would not.
    with torch.inference_mode():
        stages = network.eval().encoder(torch.rand(1, 3, 64, 64) * 2 - 1)
    assert all(0.05 < float(one.std()) < 20 for one in stages)
    assert installed_weights("resnet18") is None
    with pytest.raises(RuntimeError, match="does not hold the layers of"):
        read_installed("tf_efficientnet_lite1", path)


def test_an_encoders_own_colours_are_those_of_its_publication():
    assert published_colours("tu-tf_efficientnet_lite0")["mean"] == [0.5, 0.5, 0.5]
    assert published_colours("tu-resnet18")["mean"] == [0.485, 0.456, 0.406]
    with pytest.raises(InputError, match="choose imagenet or tiles"):
        published_colours("mit_b0")


@pytest.mark.parametrize("change", [{"encoder": "resnet19"}, {"encoder_weights": "no such"}])
def test_an_unknown_encoder_or_name_of_weights_gives_one_line(change):
    with pytest.raises(InputError, match=r"segmentation.training.encoder") as caught:
        start_network({**SETTINGS, **change}, classes=3, weights=None)
    assert "\n" not in str(caught.value)


def test_the_encoder_starts_from_a_file_of_weights(tmp_path):
    torch.manual_seed(1)
    encoder = build_network(SETTINGS, classes=3).encoder
    weights = {name: value.contiguous() for name, value in encoder.state_dict().items()}
    save_file(weights, tmp_path / "encoder.safetensors")
    torch.manual_seed(2)
    network = start_network(SETTINGS, classes=2, weights=tmp_path / "encoder.safetensors")
    for name, value in encoder.state_dict().items():
        assert torch.equal(network.encoder.state_dict()[name], value), name


@pytest.mark.parametrize("content", [b"no tensors", None])
def test_weights_that_do_not_fit_give_one_line(tmp_path, content):
    path = tmp_path / "encoder.safetensors"
    save_file({"conv1.weight": torch.zeros(2)}, path)
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match="not the weights of this encoder") as caught:
        start_network(SETTINGS, classes=2, weights=path)
    assert "\n" not in str(caught.value)


def test_calibration_finds_the_planted_temperature():
    generator = torch.Generator().manual_seed(0)
    honest = 2 * torch.randn(20_000, 4, generator=generator)
    labels = torch.multinomial(honest.softmax(1), 1, generator=generator)[:, 0]
    assert fit_temperature(3 * honest, labels) == pytest.approx(3, rel=0.05)
    assert fit_temperature(honest / 2, labels) == pytest.approx(0.5, rel=0.05)


def test_sampled_pixels_are_labelled_ones():
    import numpy as np

    labels = torch.full((2, 40, 40), 255)
    labels[:, 3, 5] = 1
    logits = torch.zeros(2, 3, 40, 40)
    logits[:, 2, 3, 5] = 7
    scores, truths = sample_pixels(logits, labels, rng=np.random.default_rng(0))
    assert scores.tolist() == [[0, 0, 7], [0, 0, 7]]
    assert truths.tolist() == [1, 1]
