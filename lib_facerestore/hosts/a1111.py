"""Device memory on A1111 and its close forks, which move only their own diffusion model off the device."""

from __future__ import annotations

from lib_facerestore.hosts import base


class A1111Memory:
    """The memory port of A1111 and its close forks; see `runtime.MemoryPort`."""

    def make_room(self, size_bytes: int, device: str) -> None:
        """Send the diffusion model to the CPU under --medvram and --lowvram, as the host does between its own steps.

        Without these flags only unused blocks are given back; on a CPU nothing is done. size_bytes is not used, because
        the host moves the whole model or nothing.
        """
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
        """Give unused blocks of torch's allocator back to the device."""
        from modules import devices

        devices.torch_gc()
