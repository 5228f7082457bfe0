"""Face parsers behind the parser port. The two networks order their classes and normalise their input differently."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from lib_facerestore.engine.data import FloatPixels, ModelUsed
from lib_facerestore.models.catalogue import Family
from lib_facerestore.models.devices import OnDevice, inference, move_weights, own_state

if TYPE_CHECKING:
    import torch

# Both label CelebAMask-HQ's 19 classes, in different orders: hair is 13 in one and 17 in the other.
# Source: facexlib 0.3.0 (MIT); ParseNet of PSFR-GAN, BiSeNet of face-parsing.PyTorch.
PARSENET_CLASSES = tuple(
    "background skin nose glasses left_eye right_eye left_brow right_brow left_ear right_ear "
    "mouth upper_lip lower_lip hair hat earring necklace neck cloth".split()
)
BISENET_CLASSES = tuple(
    "background skin left_brow right_brow left_eye right_eye glasses left_ear right_ear earring "
    "nose mouth upper_lip lower_lip neck necklace cloth hair hat".split()
)
_INPUT_SIDE_PX = 512


@dataclass(frozen=True)
class _Convention:
    """How one network labels and normalises."""

    classes: tuple[str, ...]
    """The part of the face for each label."""
    mean: tuple[float, float, float]
    """Subtracted from the red, green and blue values in [0, 1]."""
    deviation: tuple[float, float, float]
    """The difference is divided by it."""


_CONVENTIONS: dict[Family, _Convention] = {
    "parsenet": _Convention(PARSENET_CLASSES, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "bisenet": _Convention(BISENET_CLASSES, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # ImageNet's
}


class FaceParser(OnDevice):
    """facexlib's ParseNet or BiSeNet, which labels the pixels of a square face; see `engine.ports.Parser`."""

    @own_state()
    def __init__(
        self, family: Family, name: str, sha256: str, state: dict[str, torch.Tensor], device: torch.device
    ) -> None:
        """Build the network; a ParseNet on a CPU is changed to a faster form of the same sums.

        family: "parsenet" or "bisenet". name, sha256: the model's, for the report. state: weights by facexlib's names.
        Raises: RuntimeError of torch where the weights do not fit; OutOfMemory; DeviceFailed.
        """
        import torch
        from facexlib.parsing.bisenet import BiSeNet
        from facexlib.parsing.parsenet import ParseNet

        self.used = ModelUsed("parser", name, sha256)
        self._convention = _CONVENTIONS[family]
        self.classes = self._convention.classes
        # Building a network draws its first weights at random; the host's generator must not notice.
        with torch.random.fork_rng(devices=[]):
            is_bisenet = family == "bisenet"
            network = BiSeNet(num_class=19) if is_bisenet else ParseNet(in_size=512, out_size=512, parsing_ch=19)
        network.load_state_dict(state)
        network.eval()
        if family == "parsenet" and device.type == "cpu":
            from lib_facerestore.models.networks.folded_parsenet import fold

            fold(network)
        move_weights(name, network, "cpu", device)
        super().__init__(name, network, device)

    def parse(self, faces: Sequence[FloatPixels]) -> list[NDArray[np.uint8]]:
        """Label the pixels of each face, one face after the other; see `engine.ports.Parser`.

        Shapes: faces of (S, S, 3) RGB float32 in [0, 1] → (512, 512) uint8, indices into `classes`.
        Raises: OutOfMemory; InferenceFailed.
        """
        import torch

        size = (_INPUT_SIDE_PX, _INPUT_SIDE_PX)
        labels: list[NDArray[np.uint8]] = []
        with inference(self.used.name, self.device):
            mean = torch.tensor(self._convention.mean, device=self.device).view(1, 3, 1, 1)
            deviation = torch.tensor(self._convention.deviation, device=self.device).view(1, 3, 1, 1)
            for face in faces:
                resized = np.ascontiguousarray(cv2.resize(face, size, interpolation=cv2.INTER_LINEAR))
                pixels = torch.from_numpy(resized).permute(2, 0, 1)[None].to(self.device)
                scores = self.network((pixels - mean) / deviation)[0]
                labels.append(scores.argmax(dim=1)[0].to(torch.uint8).cpu().numpy())
        return labels
