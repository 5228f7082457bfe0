"""Memory on A1111 and its close forks, which know only of their own models under --medvram and --lowvram."""

from __future__ import annotations

from lib_facerestore.hosts import base


class A1111Memory:
    """See `runtime.MemoryPort`."""

    def make_room(self, size_bytes: int, device: str) -> None:
        """Under --medvram and --lowvram send the diffusion model to the CPU, as the host does between its own steps."""
        import torch
        from modules import shared

        if torch.device(device).type == "cpu":
            return
        lowvram = base.imported("modules.lowvram")  # SD.Next moves its model by itself and has none
        model = getattr(shared, "sd_model", None)
        if model is not None and lowvram is not None and lowvram.is_enabled(model):
            lowvram.send_everything_to_cpu()
        self.released()

    def released(self) -> None:
        """Give blocks that nobody uses back to the device."""
        from modules import devices

        devices.torch_gc()
