"""Every error this project raises on purpose. Each reads as one sentence for a person: what, which value, what to do.

FaceRestoreError
├── SettingsError        a setting is out of range or unknown
│   └── SizeTooLarge     one picture cannot be brought to the size asked for; others may
├── PictureError         a file is no picture, damaged, or cannot be written
│   └── PictureTooLarge  it has more pixels than the limit
├── WeightsError
│   ├── WeightsMissing   the file is nowhere
│   ├── WeightsDamaged   the file is there and is not what it should be
│   ├── WeightsUnreachable   the file could not be downloaded
│   ├── WeightsUnknown   the file is whole, and no known network fits it
│   └── RuntimeMissing   the file is whole, and the program that runs such files is not installed
├── ModelError
│   ├── OutOfMemory      the device refused the memory
│   └── InferenceFailed  a network gave an error or numbers that are no picture
│       └── DeviceFailed     it did so on another device than the CPU, where it may be tried again
├── DeviceLost           a device failed and does not give back what is on it
└── Interrupted          the user pressed stop
"""

from __future__ import annotations

from pathlib import Path


class FaceRestoreError(Exception):
    """The base class of all errors that this project raises on purpose; a shell catches this one."""


class SettingsError(FaceRestoreError):
    """A setting is unknown or its value is not allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"The setting {field} cannot be {value!r}: it must be {allowed}.")
        self.field, self.value, self.allowed = field, value, allowed


class UnknownSetting(SettingsError):
    """There is no setting of that name."""

    def __init__(self, field: str, nearest: list[str]) -> None:
        hint = f" Did you mean {' or '.join(nearest)}?" if nearest else ""
        FaceRestoreError.__init__(self, f"There is no setting named {field!r}.{hint}")
        self.field, self.value, self.allowed = field, None, ", ".join(nearest)


class SizeTooLarge(SettingsError):
    """The size that was set is too far from the size of one picture; for other pictures it may be possible."""


class PictureError(FaceRestoreError):
    """A picture cannot be read or written."""

    def __init__(self, where: Path | str, problem: str) -> None:
        super().__init__(f"{where} {problem}")
        self.where, self.problem = where, problem


class PictureTooLarge(PictureError):
    """A picture has more pixels than the limit for reading."""


class WeightsError(FaceRestoreError):
    """The weights of a model are missing, damaged, unknown or cannot be downloaded."""


class WeightsMissing(WeightsError):
    """No file of weights was found."""

    def __init__(self, name: str, advice: str, looked_in: tuple[Path, ...] = (), url: str = "") -> None:
        folders = f" Looked in {', '.join(str(folder) for folder in looked_in)}." if looked_in else ""
        super().__init__(f"The weights of {name} are missing.{folders} {advice}")
        self.name, self.looked_in, self.url = name, looked_in, url


class WeightsDamaged(WeightsError):
    """A file of weights is not the file it should be."""

    def __init__(self, path: Path, found: str, expected: str, advice: str = "Delete the file and run again.") -> None:
        super().__init__(f"{path.name} is damaged: {found}, expected {expected}. {advice}")
        self.path, self.found, self.expected = path, found, expected


class WeightsUnreachable(WeightsError):
    """A file of weights could not be downloaded."""

    def __init__(self, name: str, problem: str, advice: str, url: str = "") -> None:
        super().__init__(f"{name} could not be downloaded: {problem}. {advice}")
        self.name, self.problem, self.url = name, problem, url


class WeightsUnknown(WeightsError):
    """A file of weights fits no known network."""

    def __init__(self, path: Path | str, problem: str, keys_seen: tuple[str, ...] = ()) -> None:
        seen = f" Its first keys are {', '.join(keys_seen[:3])}." if keys_seen else ""
        super().__init__(f"{getattr(path, 'name', path)} {problem}{seen}")
        self.path, self.keys_seen = path, keys_seen


class RuntimeMissing(WeightsError):
    """A file of weights is run by a program that is not installed."""

    def __init__(self, path: Path, advice: str) -> None:
        super().__init__(f"{path.name} is an ONNX network, and neither onnxruntime nor openvino is installed. {advice}")
        self.path = path


class ModelError(FaceRestoreError):
    """A network could not be run to its end."""


class OutOfMemory(ModelError):
    """The device refused the memory that a network asked for."""

    def __init__(self, what: str, device: str, asked_bytes: int | None = None, free_bytes: int | None = None) -> None:
        asked = f" of about {asked_bytes / 2**20:.0f} MB" if asked_bytes is not None else ""
        free = f", {free_bytes / 2**20:.0f} MB are free" if free_bytes is not None else ""
        super().__init__(f"{device} has no memory left for {what}{asked}{free}. Choose a smaller batch or the CPU.")
        self.device, self.asked_bytes, self.free_bytes = device, asked_bytes, free_bytes


class InferenceFailed(ModelError):
    """A network raised an error or gave numbers that are no picture."""

    def __init__(self, model: str, problem: str, face_index: int | None = None) -> None:
        face = "" if face_index is None else f" on face {face_index + 1}"
        super().__init__(f"{model} failed{face}: {problem}.")
        self.model, self.problem, self.face_index = model, problem, face_index


class DeviceFailed(InferenceFailed):
    """A network could not be moved to a device that is not the CPU, or run there, and memory was not the reason."""

    def __init__(self, model: str, device: str, problem: str) -> None:
        FaceRestoreError.__init__(self, f"{model} failed on {device}: {problem}.")
        self.model, self.device, self.problem, self.face_index = model, device, problem, None


class DeviceLost(FaceRestoreError):
    """A device failed and does not give back what is on it: everything there has to be loaded again elsewhere."""

    def __init__(self, model: str, device: str, problem: str) -> None:
        super().__init__(f"{device} failed and does not give {model} back: {problem}. Choose the CPU, or start again.")
        self.model, self.device, self.problem = model, device, problem


class Interrupted(FaceRestoreError):
    """The user stopped the work: finished pictures are kept, the current one is dropped."""

    def __init__(self) -> None:
        super().__init__("Stopped; the pictures finished so far are kept.")
