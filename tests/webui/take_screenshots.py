"""Takes the README's pictures of the page on the real WebUI that FACERESTORE_WEBUI names, with a photograph generated.

`PYTHONPATH=tests python tests/webui/take_screenshots.py NAME` writes docs/images/webui-NAME.jpg
and webui-NAME-extras.jpg.
"""

import os
import sys

from helpers.running_host import REAL_FOLDER, ROOT, start_real
from stub_host import page as pages

PHOTOGRAPH = ROOT / "samples" / "photographs" / "astronaut.jpg"
IMAGES = ROOT / "docs" / "images"


def main(name):
    pages.LIMIT_MS = 240_000  # two faces of this size take over a minute on busy cores
    host = start_real(os.environ[REAL_FOLDER], environment={"FACERESTORE_PHOTO": str(PHOTOGRAPH)})
    try:
        with pages.opened(host, size_wh=(1400, 1150)) as page:
            generation(page, IMAGES / f"webui-{name}.jpg")
            extras(page, IMAGES / f"webui-{name}-extras.jpg")
    finally:
        host.stop()


def generation(page, to):
    pages.fill(page, "#txt2img_prompt", "an astronaut")
    for field, value in {"steps": 1, "width": 512, "height": 440, "cfg_scale": 1, "batch_count": 2}.items():
        pages.fill(page, f"#txt2img_{field}", value)
    pages.tick(page, "script_txt2img_face_restore_enable")
    pages.generate(page)
    pages.settle(page)
    page.screenshot(path=to, type="jpeg", quality=80)


def extras(page, to):
    pages.open_tab(page, "Extras")
    page.locator("#extras_image input[type=file]").set_input_files(PHOTOGRAPH)
    pages.settle(page)
    pages.tick(page, "extras_facerestore_enable")
    page.locator("#extras_generate").click()
    page.wait_for_function(
        "() => (document.querySelector('#html_info_x_extras')?.innerText || '').includes('Face restore status')"
    )
    pages.settle(page)
    page.screenshot(path=to, type="jpeg", quality=80)


if __name__ == "__main__":
    main(sys.argv[1])
