"""facexlib's FaceRestoreHelper without its networks: the yardstick for align and paste."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import torch
from facexlib.utils.face_restoration_helper import FaceRestoreHelper

from lib_facerestore.engine.faces.align import FFHQ_TEMPLATE_512
from lib_facerestore.models.adapters.parsers import PARSENET_CLASSES

# The labels that facexlib's MASK_COLORMAP drops.
_DROPPED = [PARSENET_CLASSES.index(name) for name in ("background", "hat", "necklace", "neck", "cloth")]


def stock_helper(rgb: np.ndarray, *landmarks: np.ndarray, upscale: int = 1) -> FaceRestoreHelper:
    """A helper that has read the picture and knows its landmarks; its constructor would fetch networks."""
    helper = FaceRestoreHelper.__new__(FaceRestoreHelper)
    helper.upscale_factor, helper.face_size, helper.face_template = upscale, (512, 512), FFHQ_TEMPLATE_512
    helper.pad_blur, helper.use_parse, helper.template_3points, helper.device = False, True, False, torch.device("cpu")
    helper.clean_all()
    helper.read_image(np.ascontiguousarray(rgb[..., ::-1]))
    helper.all_landmarks_5 = list(landmarks)
    return helper


def stock_paste(helper: FaceRestoreHelper, restored_rgb: list[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """The picture with the restored faces (uint8) in it, by facexlib; every parse of a face gives these labels."""
    logits = torch.nn.functional.one_hot(torch.from_numpy(labels.astype(np.int64)), 19).permute(2, 0, 1)[None].float()
    helper.face_parse = lambda face: (logits, SimpleNamespace())
    helper.get_inverse_affine()
    for face in restored_rgb:
        helper.add_restored_face(np.ascontiguousarray(face[..., ::-1]))
    pasted: np.ndarray = helper.paste_faces_to_input_image()[..., ::-1]
    return pasted


def stock_mask(labels: np.ndarray) -> np.ndarray:
    """The mask that facexlib makes of the labels on the crop's grid, in [0, 1]."""
    mask = np.where(np.isin(labels, _DROPPED), 0.0, 255.0)
    for _ in range(2):
        mask = cv2.GaussianBlur(mask, (101, 101), 11)
    inner = np.zeros_like(mask)
    inner[10:-10, 10:-10] = mask[10:-10, 10:-10]
    return (inner / 255).astype(np.float32)


def oval_labels() -> np.ndarray:
    """Skin with eyes and a mouth under hair, neck below, background around; 512×512."""
    labels = np.zeros((512, 512), np.uint8)
    cv2.rectangle(labels, (190, 400), (320, 511), PARSENET_CLASSES.index("neck"), -1)
    cv2.ellipse(labels, (256, 220), (190, 200), 0, 0, 360, PARSENET_CLASSES.index("hair"), -1)
    cv2.ellipse(labels, (256, 290), (150, 190), 0, 0, 360, PARSENET_CLASSES.index("skin"), -1)
    for name, centre in (("left_eye", (193, 240)), ("right_eye", (319, 240)), ("mouth", (256, 371))):
        cv2.ellipse(labels, centre, (28, 12), 0, 0, 360, PARSENET_CLASSES.index(name), -1)
    return labels
