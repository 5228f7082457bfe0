"""Folders of the host, as extensions import them."""

import os

from modules.cmd_args import SCRIPT_PATH, cmd_opts

script_path = str(SCRIPT_PATH)
modules_path = os.path.join(script_path, "modules")
data_path = cmd_opts.data_dir
models_path = cmd_opts.models_dir
extensions_dir = os.path.join(data_path, "extensions")
extensions_builtin_dir = os.path.join(script_path, "extensions-builtin")
config_states_dir = os.path.join(data_path, "config_states")
default_output_dir = os.path.join(data_path, "outputs")
cwd = os.getcwd()

for _folder in ("GFPGAN", "Codeformer", "ESRGAN", "RealESRGAN", "Stable-diffusion"):
    os.makedirs(os.path.join(models_path, _folder), exist_ok=True)
