"""Tasks of the page by id, and the route that its progress bar polls."""

from __future__ import annotations

import base64
import io
import time
from typing import Any, Optional

from pydantic import BaseModel

from modules import shared

current_task: str | None = None
pending_tasks: dict[str, float] = {}
finished_tasks: list[str] = []


def start_task(id_task: str | None) -> None:
    """The task runs now."""
    global current_task
    current_task = id_task
    pending_tasks.pop(id_task, None)


def finish_task(id_task: str | None) -> None:
    """The task has ended; the last sixteen are remembered."""
    global current_task
    if current_task == id_task:
        current_task = None
    finished_tasks.append(id_task)
    del finished_tasks[:-16]


def add_task_to_queue(id_job: str) -> None:
    """The task waits for the lock."""
    pending_tasks[id_job] = time.time()


class ProgressRequest(BaseModel):
    """What the page asks."""

    id_task: Optional[str] = None  # noqa: UP045 - pydantic 1 on Python 3.10
    id_live_preview: int = -1
    live_preview: bool = True


def fraction() -> float:
    """Done part of the running job, 0 to 1."""
    state = shared.state
    done = 0.0
    if state.job_count > 0:
        done += state.job_no / state.job_count
        if state.sampling_steps > 0:
            done += state.sampling_step / state.sampling_steps / state.job_count
    return min(done, 1.0)


def progressapi(req: ProgressRequest) -> dict[str, Any]:
    """State of one task, with a preview when there is a newer one."""
    state = shared.state
    active = req.id_task == current_task
    answer = {
        "active": active,
        "queued": req.id_task in pending_tasks,
        "completed": req.id_task in finished_tasks,
        "progress": None,
        "eta": None,
        "live_preview": None,
        "id_live_preview": -1,
        "textinfo": "Waiting...",
    }
    if not active:
        return answer
    done = fraction()
    elapsed = time.time() - state.time_start
    answer.update(progress=done, eta=elapsed / done - elapsed if done > 0 else None, textinfo=state.textinfo)
    answer["id_live_preview"] = req.id_live_preview
    if shared.opts.live_previews_enable and req.live_preview:
        state.set_current_image()
        if state.id_live_preview != req.id_live_preview and state.current_image is not None:
            buffer = io.BytesIO()
            state.current_image.save(buffer, format="png", compress_level=1)
            answer["live_preview"] = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
            answer["id_live_preview"] = state.id_live_preview
    return answer


def setup_progress_api(app: Any) -> None:
    """Give the page its route."""
    app.add_api_route("/internal/progress", progressapi, methods=["POST"])
