"""Rows as a Markdown page."""

from __future__ import annotations

from typing import Any

from benchmarks.speed.clock import STAGES

# Least ratio to stock by scenario, restorer and variant, on a CPU. Source: the project's design.
TARGETS = {
    ("portrait, 512×512", "GFPGAN", "ours"): 2.0,
    ("portrait, 512×512", "CodeFormer", "ours"): 1.45,
    ("portrait, 512×512", "GFPGAN", "ours, half"): 2.7,
    ("portrait, 512×512", "CodeFormer", "ours, half"): 1.9,
    ("8 faces, 4 MP", "GFPGAN", "ours"): 2.0,
    # With AMX, which the machine's line of instructions states; without it half precision gains less.
    ("portrait, 512×512", "GFPGAN", "ours, OpenVINO"): 2.3,
    ("portrait, 512×512", "GFPGAN", "ours, OpenVINO half"): 10.0,
    ("portrait, 512×512", "CodeFormer", "ours, OpenVINO"): 1.9,
    ("portrait, 512×512", "CodeFormer", "ours, OpenVINO half"): 3.5,
    ("portrait, 512×512", "RestoreFormer", "ours, OpenVINO"): 2.3,
    ("portrait, 512×512", "RestoreFormer", "ours, OpenVINO half"): 6.0,
    ("portrait, 512×512", "embedded", "ours, OpenVINO"): 1.5,
    ("portrait, 512×512", "embedded", "ours, OpenVINO half"): 8.0,
    ("8 faces, 4 MP", "GFPGAN", "ours, OpenVINO"): 2.07,
    ("8 faces, 4 MP", "GFPGAN", "ours, OpenVINO half"): 9.0,
    ("all but the networks, 10 faces, 16 MP", "–", "ours"): 50.0,
}
# In the README though no target is set for them: what stock's whole-canvas pasting and larger detector cost.
_SHOWN_TOO = {(name, "GFPGAN", "ours") for name in ("10 faces, 16 MP", "10 faces, 100 MP", "no face, 4 MP")}
_GPU_TARGETS = {("8 faces, 4 MP", "GFPGAN", "ours"): 5.0}


def page(found: dict[str, Any], drawing: str = "speed.svg") -> str:
    """The whole page: what was measured, ratios with targets, stages, memory. drawing: the file beside it."""
    rows = found["rows"]
    head = (
        "| scenario | restorer | path | stock s | ours s | ratio | least and most | CPU s | target | equality "
        "| to full | load |"
    )
    parts = [
        "# Speed, side by side with the stock path",
        "",
        "`facerestore bench` writes this page from `speed.json`. Stock: facexlib's FaceRestoreHelper (resize 640, eye "
        "distance 5, parsing mask) with ResNet50 and ParseNet around spandrel's network, one face at a time, float32. "
        "Both take turns in one process after a warm-up; medians. Networks of real size with random weights (the "
        "embedded ones are trained); detections and label maps are the same known ones for both, the networks run all "
        "the same. *ours*: MobileNet0.25 and BiSeNet; *stock's files*: ResNet50 and ParseNet, as stock. *half*: used "
        "without asking whether the weights earned it, which random ones cannot. Equality: dB within the faces' boxes "
        "against stock; in brackets the pixels outside the faces that differ by more than a level. To full: dB of the "
        "restorer's face against torch in full precision, and whether that would have earned its use. Load: average of "
        "the machine at the end of the row; above the number of cores other programs took part of it.",
        "",
        "Which targets miss, and why: [decision 014](../../docs/decisions/014-which-speed-targets-miss.md).",
        "",
        *(f"* {key}: {value}" for key, value in found["machine"].items()),
        f"* commits of the rows: {', '.join(sorted({row['commit'] for row in rows}))}",
        "",
        head,
        "|---" * 12 + "|",
        *(ratio_line(row) for row in rows),
        "",
        "## Stages, seconds, stock → ours",
        "",
        f"![Where the time goes]({drawing})",
        "",
        "| scenario | restorer | path | " + " | ".join(STAGES) + " |",
        "|---" * (3 + len(STAGES)) + "|",
        *(_stage_line(row) for row in rows),
    ]
    for name, part in (("memory", _memory), ("tiles", _tiles), ("startup", _startup)):
        if found.get(name):
            parts += ["", *part(found[name])]
    return "\n".join(parts) + "\n"


def _memory(rows: list[dict[str, Any]]) -> list[str]:
    return [
        "## Memory: growth during a run, as a multiple of the decoded picture's bytes",
        "",
        "Each in a process of its own, the networks' answers given.",
        "",
        "| scenario | stock | ours | target |",
        "|---|---|---|---|",
        *(f"| {row['scenario']} | {row['stock']:.1f}× | {row['ours']:.2f}× | ≤ 2.2× |" for row in rows),
    ]


def _tiles(rows: list[dict[str, Any]]) -> list[str]:
    """ours: as many tiles as memory asks for, one here."""
    return [
        "## ×4 upscaling, 512×400 px, beside the host's recipe (192 px tiles, 8 px blended)",
        "",
        "Computed: px that the network sees for each px of the picture. Error in levels of 255 against untiled.",
        "",
        "| network | way | tiles | computed | seconds | stock / this | max error | mean error |",
        "|---|---|---|---|---|---|---|---|",
        *(
            f"| {row['network']} | {row['method']} | {row['tiles']} | {row['computed']:.2f}× | {row['seconds']:.1f} "
            f"| {row['ratio']:.2f}× | {row['max_error']} | {row['mean_error']:.4f} |"
            for row in rows
        ),
    ]


def _startup(lines: list[str]) -> list[str]:
    return [
        "## What the extension adds to a host's start (target: ≤ 0.1 s, no spandrel)",
        "",
        *(f"* {x}" for x in lines),
    ]


def short(found: dict[str, Any]) -> str:
    """The README's table: rows with a target, large pictures, one without a face, the portrait with stock's files."""
    lines = ["| what | restorer | path | stock | ours | stock / ours | target |", "|---|---|---|---|---|---|---|"]
    for row in found["rows"]:
        key = (row["scenario"], row["restorer"], row["variant"])
        target = TARGETS.get(key)
        is_portrait_with_stocks_files = row["variant"] == "ours, stock's files" and "portrait" in row["scenario"]
        if target is None and key not in _SHOWN_TOO and not is_portrait_with_stocks_files:
            continue
        verdict = "–" if target is None else f"≥ {target:g}: {_verdict(row, target)}"
        lines.append(
            f"| {row['scenario']} | {row['restorer']} | {row['variant']} | {row['stock']['total']:.1f} s "
            f"| {row['ours']['total']:.1f} s | {row['ratio']:.1f}× | {verdict} |"
        )
    return "\n".join(lines) + "\n"


def ratio_line(row: dict[str, Any]) -> str:
    targets = _GPU_TARGETS if row["device"].startswith("cuda") else TARGETS
    target = targets.get((row["scenario"], row["restorer"], row["variant"]))
    verdict = "–" if target is None else f"≥ {target:g}: {_verdict(row, target)}"
    equality = "–" if row["db_in_faces"] is None else f"{row['db_in_faces']:.1f} dB ({row['differing_outside']})"
    return (
        f"| {row['scenario']} | {row['restorer']} | {row['variant']}, {row['device']} "
        f"| {row['stock']['total']:.2f} | {row['ours']['total']:.2f} | {row['ratio']:.2f}× "
        f"| {row['ratios'][0]:.2f}–{row['ratios'][-1]:.2f} ({row['rounds']}) | {_cpu(row)} | {verdict} | {equality} "
        f"| {_to_full(row)} | {row['load']:.1f} |"
    )


def _to_full(row: dict[str, Any]) -> str:
    """The agreement with torch in full precision; rows of older runs, and those that are in it, have none."""
    if "agrees_db" not in row or set(row["ran"]) == {"TORCH_FULL"}:
        return "–"
    return f"{row['agrees_db']:.0f} dB: {'earned' if row['earned'] else 'not earned'}"


def _verdict(row: dict[str, Any], target: float) -> str:
    """Whether the target is held, by the clock and by the processor's seconds where the row has them."""
    by_processor = row["stock"]["cpu"] / row["ours"]["cpu"] if "cpu" in row["stock"] else row["ratio"]
    if (row["ratio"] >= target) == (by_processor >= target):
        return "held" if by_processor >= target else "**missed**"
    return f"held by the {'clock' if row['ratio'] >= target else 'processor'} only"


def _cpu(row: dict[str, Any]) -> str:
    """Stock's processor seconds over ours; rows of older runs have none."""
    if "cpu" not in row["stock"]:
        return "–"
    return f"{row['stock']['cpu']:.1f} / {row['ours']['cpu']:.2f} = {row['stock']['cpu'] / row['ours']['cpu']:.1f}×"


def _stage_line(row: dict[str, Any]) -> str:
    cells = " | ".join(f"{row['stock'][stage]:.2f} → {row['ours'][stage]:.2f}" for stage in STAGES)
    return f"| {row['scenario']} | {row['restorer']} | {row['variant']}, {row['device']} | {cells} |"
