"""What the running job tells the page, and what the page tells the job."""

from __future__ import annotations

import datetime
import threading
import time

from PIL import Image


class State:
    """One per process. Jobs write, the progress routes read."""

    skipped = False
    interrupted = False
    stopping_generation = False
    job = ""
    job_no = 0
    job_count = 0
    processing_has_refined_job_count = False
    job_timestamp = "0"
    sampling_step = 0
    sampling_steps = 0
    current_latent = None
    current_image = None
    current_image_sampling_step = 0
    id_live_preview = 0
    textinfo = None
    time_start = None

    def __init__(self):
        self.server_start = time.time()
        self._command: str | None = None
        self._commanded = threading.Event()

    @property
    def need_restart(self) -> bool:
        return self._command == "restart"

    @need_restart.setter
    def need_restart(self, value: bool) -> None:
        if value:
            self.server_command = "restart"

    @property
    def server_command(self) -> str | None:
        return self._command

    @server_command.setter
    def server_command(self, value: str | None) -> None:
        self._command = value
        self._commanded.set()

    def wait_for_server_command(self, timeout: float | None = None) -> str | None:
        """The command once it comes, None after the time."""
        if not self._commanded.wait(timeout):
            return None
        self._commanded.clear()
        command, self._command = self._command, None
        return command

    def request_restart(self) -> None:
        self.interrupt()
        self.server_command = "restart"

    def skip(self) -> None:
        self.skipped = True

    def interrupt(self) -> None:
        self.interrupted = True

    def stop_generating(self) -> None:
        self.stopping_generation = True

    def nextjob(self) -> None:
        self.job_no += 1
        self.sampling_step = 0
        self.current_image_sampling_step = 0

    def dict(self) -> dict:
        names = (
            "skipped interrupted stopping_generation job job_count job_timestamp job_no sampling_step sampling_steps"
        )
        return {name: getattr(self, name) for name in names.split()}

    def begin(self, job: str = "(unknown)") -> None:
        self.sampling_step = 0
        self.time_start = time.time()
        self.job_count = -1
        self.processing_has_refined_job_count = False
        self.job_no = 0
        self.job_timestamp = datetime.datetime.now().strftime("%Y%m%d%H%M%S")
        self.current_latent = None
        self.current_image = None
        self.current_image_sampling_step = 0
        self.id_live_preview = 0
        self.skipped = False
        self.interrupted = False
        self.stopping_generation = False
        self.textinfo = None
        self.job = job

    def end(self) -> None:
        self.job = ""
        self.job_count = 0

    def set_current_image(self) -> None:
        """Called by the progress routes: a new preview when enough steps were made."""
        from modules import shared

        steps = self.sampling_step - self.current_image_sampling_step
        if steps >= shared.opts.show_progress_every_n_steps and shared.opts.live_previews_enable:
            self.do_set_current_image()

    def do_set_current_image(self) -> None:
        """The present latent as preview; here it is the picture itself, B×3×H×W in -1..1."""
        if self.current_latent is None:
            return
        from modules import diffusion

        self.assign_current_image(diffusion.preview(self.current_latent))
        self.current_image_sampling_step = self.sampling_step

    def assign_current_image(self, image: Image.Image) -> None:
        """Show a picture at the next poll."""
        self.current_image = image
        self.id_live_preview += 1


class SdNextState(State):
    """SD.Next's: jobs inside jobs, each of which clears what the one around it had set."""

    paused = False

    def __init__(self):
        super().__init__()
        self._began: dict[str, str] = {}

    @property
    def stopping_generation(self) -> bool:
        raise AttributeError("stopping_generation")

    def dict(self) -> dict:
        names = "skipped interrupted job job_count job_timestamp job_no sampling_step sampling_steps"
        return {name: getattr(self, name) for name in names.split()}

    def begin(self, title: str = "", task_id: object = 0, api: object = None) -> str:
        """The number that `end` wants. Takes back an interrupt, except where a picture is being saved."""
        self.job_no, self.textinfo, self.current_latent, self.current_image = 0, None, None, None
        self.interrupted = self.interrupted and title.startswith("Save")
        self.skipped = False
        self.sampling_step = self.sampling_steps = self.id_live_preview = 0
        self.job, self.job_count = title, 1
        self.job_timestamp = datetime.datetime.now().strftime("%Y%m%d%H%M%S")
        self.time_start = time.time()
        number = str(task_id or len(self._began) + 1)
        self._began[number] = title
        return number

    def end(self, task_id: str | None = None, api: object = None) -> None:
        """Clears the job, also that of a job around this one."""
        self._began.pop(task_id or "", None)
        self.job, self.job_no, self.job_count, self.paused = "", 0, 0, False
