"""Writes sharded checkpoints with Hugging Face's own library, and a tied model with that of safetensors,
to Fixtures/sharded."""

import json

from common import folder
from expectations import write_expectations

import huggingface_hub
import safetensors
import safetensors.torch
import torch


def state():
    return {f"layer.{i}.weight": torch.arange(i, i + 24, dtype=torch.float32).reshape(4, 6)
            for i in range(5)}


def described(tensors, ties=()):
    out = [{"name": name, "dtype": str(t.dtype).split(".")[1], "shape": list(t.shape),
            "hex": t.contiguous().numpy().tobytes().hex()} for name, t in tensors.items()]
    for alias, owner in ties:
        tensor = next(t for t in out if t["name"] == owner)
        out.append({**tensor, "name": alias, "alias_of": owner})
    return {"tensors": out}


class Tied(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(3, 2)
        self.head = torch.nn.Linear(2, 3, bias=False)
        self.embed.weight.data.copy_(torch.arange(6.0).reshape(3, 2))
        self.head.weight = self.embed.weight


def main():
    out = folder("sharded")
    files = {}
    for name, safe in (("safetensors", True), ("bin", False)):
        place = folder(f"sharded/{name}")
        for old in place.iterdir():
            old.unlink()
        huggingface_hub.save_torch_state_dict(
            state(), place, max_shard_size=200, safe_serialization=safe, metadata={"made": "here"})
        index = next(place.glob("*.index.json"))
        tensors = {}
        for tensor, shard in json.loads(index.read_text())["weight_map"].items():
            path = str(place / shard)
            read = safetensors.torch.load_file(path) if safe else torch.load(path)
            tensors[tensor] = read[tensor]
        files[f"{name}/{index.name}"] = described(tensors)
    path = out / "tied.safetensors"
    safetensors.torch.save_model(Tied(), str(path))
    with safetensors.safe_open(str(path), "pt") as file:
        ties = [(k, v) for k, v in sorted(file.metadata().items()) if k != "format"]
        kept = {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118 - not a mapping
    assert len(ties) == 1 and len(kept) == 1, (ties, kept)
    files["tied.safetensors"] = described(kept, ties)
    write_expectations(
        out, f"huggingface_hub {huggingface_hub.__version__}, safetensors "
        f"{safetensors.__version__}, torch {torch.__version__}", files)


main()
