"""How the face network of each architecture is called: which programs it is made of, and what fidelity changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from weakref import ref

from lib_facerestore.engine.data import Crop
from lib_facerestore.models.executors import HowToRun, Program, Runner, Tensors

if TYPE_CHECKING:
    import spandrel
    import torch

    Descriptor: TypeAlias = spandrel.ImageModelDescriptor[torch.nn.Module]

# Codes and features of one face take 47 MB in float32.
MOST_KEPT_BYTES = 512 << 20
FACE_ARCHITECTURES = frozenset({"GFPGAN", "CodeFormer", "RestoreFormer"})
"""spandrel's ids."""
_RANGE = 2.0
"""Of faces in [-1, 1]."""


class FaceFunction(Protocol):
    """A face network as one function; it runs through runners, which say how it ran."""

    runners: tuple[Runner, ...]

    def __call__(self, faces: torch.Tensor, crops: Sequence[Crop], fidelity: float) -> torch.Tensor:
        """Restore faces. crops: those that the faces were made of, in their order.

        Shapes: faces (B, 3, 512, 512) RGB in [-1, 1] → the same shape and range.
        """

    def prepare(self, faces: torch.Tensor) -> tuple[str, ...]:
        """Compile what is wanted for faces of that shape; gives a sentence on each graph."""

    def forget(self) -> None:
        """Drop what was kept of earlier faces."""


def face_function(model: Descriptor, name: str, sha256: str, device: torch.device, how: HowToRun) -> FaceFunction:
    """The function of a network of one of `FACE_ARCHITECTURES`; a GFPGAN is changed in place to a faster form.

    The descriptors' own calls are not used, because only RestoreFormer's normalises.
    """
    from lib_facerestore.models.networks.modulated import share_modulation
    from lib_facerestore.models.networks.programs import FirstOutput

    architecture = str(model.architecture.id)
    if architecture == "CodeFormer":
        return CodeFormerFunction(model.model, name, sha256, how)
    if architecture == "RestoreFormer":
        return WholeNetwork(FirstOutput(model.model), name, sha256, how)
    share_modulation(model.model, device)
    # With randomize_noise the network draws from torch's global generator: each run gives other bytes, and the host's
    # next picture changes.
    return WholeNetwork(FirstOutput(model.model, return_rgb=False, randomize_noise=False), name, sha256, how)


class WholeNetwork:
    """GFPGAN or RestoreFormer, which run as one program and have no fidelity."""

    def __init__(self, module: torch.nn.Module, name: str, sha256: str, how: HowToRun) -> None:
        """module: takes and gives faces; see `networks.programs`. name, sha256: the model's."""
        self.runners: tuple[Runner, ...] = (Runner(Program(module, name, sha256, _RANGE), how),)

    def __call__(self, faces: torch.Tensor, crops: Sequence[Crop], fidelity: float) -> torch.Tensor:
        """Restore faces; see `FaceFunction`."""
        return self.runners[0](faces)[0]

    def prepare(self, faces: torch.Tensor) -> tuple[str, ...]:
        """Compile what is wanted; see `FaceFunction`."""
        return self.runners[0].prepare(faces)

    def forget(self) -> None:
        """Nothing is kept."""


class CodeFormerFunction:
    """CodeFormer in two programs, so that another fidelity weight of the same crops costs the second one alone.

    The first one chooses codes and never runs in half precision, where other codes would be chosen: another face.
    """

    def __init__(self, network: Any, name: str, sha256: str, how: HowToRun) -> None:
        """network: spandrel's CodeFormer. name, sha256: the model's."""
        from lib_facerestore.models.networks.programs import CodeFormerCodes, CodeFormerGenerator

        codes = Program(CodeFormerCodes(network), f"{name} (codes)", f"{sha256} codes", _RANGE, may_be_half=False)
        generator = Program(CodeFormerGenerator(network), f"{name} (generator)", f"{sha256} generator", _RANGE)
        self._codes, self._generator = Runner(codes, how), Runner(generator, how)
        self.runners: tuple[Runner, ...] = (self._codes, self._generator)
        self._kept: OrderedDict[int, tuple[ref[Crop], Tensors]] = OrderedDict()

    def __call__(self, faces: torch.Tensor, crops: Sequence[Crop], fidelity: float) -> torch.Tensor:
        """Restore faces; see `FaceFunction`."""
        import torch

        entries, *features = self._codes_of(faces, crops)
        weight = torch.full((1,), fidelity, device=faces.device)
        # As in the published network, nothing of the encoder is mixed in at the weight 0.
        return self._generator(entries, weight, *(features if fidelity > 0 else ()))[0]

    def prepare(self, faces: torch.Tensor) -> tuple[str, ...]:
        """Compile what is wanted; see `FaceFunction`."""
        import torch

        entries, *features = self._codes(faces)
        of_codes = self._codes.prepare(faces)
        return of_codes + self._generator.prepare(entries, torch.full((1,), 0.5), *features)

    def forget(self) -> None:
        """Drop the codes of earlier crops."""
        self._kept.clear()

    def _codes_of(self, faces: torch.Tensor, crops: Sequence[Crop]) -> Tensors:
        """What the first program gives for the faces: kept from an earlier call with the same crops, or made now."""
        import torch

        kept = [self._kept_of(crop) for crop in crops]
        if all(kept):
            return tuple(torch.cat(parts) for parts in zip(*kept))
        made = self._codes(faces)
        for index, crop in enumerate(crops):
            # Copies, because a part of a batch would keep the whole batch in memory.
            self._keep(crop, tuple(tensor[index : index + 1].clone() for tensor in made))
        return made

    def _kept_of(self, crop: Crop) -> Tensors | None:
        """What was kept of a crop; an id may have been given to another crop since, so the crop itself is compared."""
        found = self._kept.get(id(crop))
        if found is None or found[0]() is not crop:
            return None
        self._kept.move_to_end(id(crop))
        return found[1]

    def _keep(self, crop: Crop, codes: Tensors) -> None:
        """Keep the codes of one crop; those of crops that are gone, and the oldest above the limit, are dropped."""
        self._kept = OrderedDict((key, value) for key, value in self._kept.items() if value[0]() is not None)
        self._kept[id(crop)] = (ref(crop), codes)
        while sum(_bytes(tensors) for _, tensors in self._kept.values()) > MOST_KEPT_BYTES:
            self._kept.popitem(last=False)


def _bytes(tensors: Tensors) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
