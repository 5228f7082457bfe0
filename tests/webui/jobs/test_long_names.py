"""Files whose path is so long that hosts cut it."""

from PIL import Image

from helpers.generations import RECORD, differs, text_of


def test_base_file_of_a_long_path_stays_and_has_a_file_beside_it(host, portrait):
    defaults = {"outdir_txt2img_samples": str(host.outputs / "txt2img-images"), "samples_filename_pattern": ""}
    stored = host.call("/sdapi/v1/options")
    known = {name: stored.get(name, default) for name, default in defaults.items()}
    # The date's folder and the prompt come behind it.
    folder = host.outputs / ("x" * (225 - len(str(host.outputs)) - 1))
    host.set_options(outdir_txt2img_samples=str(folder), samples_filename_pattern="[seed]-[prompt_spaces]")
    try:
        made = host.generate(face=[True, {}], photo=portrait, save_images=True, prompt="a portrait of somebody " * 4)
    finally:
        host.set_options(**known)

    base, restored = sorted(made.files, key=lambda path: "restored" in path.stem)
    assert len(str(base.with_suffix(""))) == 251
    assert differs(Image.open(base), Image.open(portrait)) == 0
    assert "Face restore" not in text_of(base)
    assert restored.stem.endswith("-restored")
    assert restored.parent == base.parent
    assert text_of(restored).endswith(RECORD)
