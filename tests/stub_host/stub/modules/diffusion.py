"""In the place of a network: smooth noise that seed, prompt and size determine."""

from __future__ import annotations

import time
import zlib

import cv2
import numpy as np
import torch
from PIL import Image

from modules import shared


def noise(seed: int, prompt: str, width: int, height: int) -> torch.Tensor:
    """3×H×W in -1..1: large blobs with a fine grain."""
    source = np.random.default_rng([int(seed) % 2**32, zlib.crc32(prompt.encode("utf8"))])
    coarse = source.uniform(-1, 1, (max(height // 32, 2), max(width // 32, 2), 3)).astype(np.float32)
    picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    picture += source.normal(0, 0.03, picture.shape).astype(np.float32)
    return torch.from_numpy(np.moveaxis(picture.clip(-1, 1), 2, 0).copy())


def to_tensor(image: Image.Image) -> torch.Tensor:
    """3×H×W in -1..1 from a picture."""
    values = np.asarray(image.convert("RGB"), np.float32) / 127.5 - 1
    return torch.from_numpy(np.moveaxis(values, 2, 0).copy())


def to_image(values: torch.Tensor) -> Image.Image:
    """A picture from 3×H×W in -1..1."""
    levels = ((values.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(np.moveaxis(levels.cpu().numpy(), 0, 2))


def preview(latent: torch.Tensor) -> Image.Image:
    """What the progress bar shows of a batch."""
    return to_image(latent[0])


def sample(p, x: torch.Tensor, steps: int) -> torch.Tensor:
    """Count through the steps of a sampler; stops when the user interrupts or skips. Returns x."""
    state = shared.state
    state.sampling_steps = steps
    state.sampling_step = 0
    state.current_latent = x
    if p.scripts is not None:
        p.scripts.process_before_every_sampling(p, x=x, noise=x, c=None, uc=None)
    for _ in range(steps):
        if state.interrupted or state.skipped:
            break
        if shared.cmd_opts.step_seconds:
            time.sleep(shared.cmd_opts.step_seconds)
        state.sampling_step += 1
    return x
