"""Folders of the host, as extensions import them."""

import os

from modules import host_kind
from modules.cmd_args import SCRIPT_PATH, cmd_opts

script_path = str(SCRIPT_PATH)
modules_path = os.path.join(script_path, "modules")
data_path = cmd_opts.data_dir
models_path = (
    getattr(cmd_opts, "models_dir", None) or getattr(cmd_opts, "model_ref", None) or os.path.join(data_path, "models")
)
extensions_dir = os.path.join(data_path, "extensions")
extensions_builtin_dir = os.path.join(script_path, "extensions-builtin")
config_states_dir = os.path.join(data_path, "config_states")
default_output_dir = os.path.join(data_path, host_kind.output_folder())
cwd = os.getcwd()

for _folder in ("GFPGAN", "Codeformer", "ESRGAN", "RealESRGAN", "Stable-diffusion"):
    os.makedirs(os.path.join(models_path, _folder), exist_ok=True)
