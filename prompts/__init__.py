"""What the assistant says or asks in fixed words: Markdown files beside this one, loaded by name.

A file is a list of templates, each under a `## heading`. Variables stand in braces; a template is filled only with
exactly the variables it has, so a missing or misspelt one is an error before anything is said.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

_VARIABLE = re.compile(r"\{([a-z_]+)\}")


class BadTemplate(ValueError):
    """There is no such template, or it was filled with other variables than it has."""


@dataclass(frozen=True, slots=True)
class Template:
    """Text with variables in braces.

    >>> Template("t", "I looked for {thing}.").fill(thing="{x}")
    'I looked for {x}.'
    """

    name: str
    text: str

    def fill(self, **values: str) -> str:
        """The text with every variable replaced once; values are not searched for variables.

        Raises BadTemplate when `values` are not exactly the variables of the text."""
        wanted = set(_VARIABLE.findall(self.text))
        if wanted != values.keys():
            missing, unknown = sorted(wanted - values.keys()), sorted(values.keys() - wanted)
            raise BadTemplate(f"template {self.name!r}: missing {missing}, unknown {unknown}")
        return _VARIABLE.sub(lambda match: values[match.group(1)], self.text)


@lru_cache(maxsize=64)
def load(name: str) -> dict[str, Template]:
    """The templates of `name`.md by heading. Raises BadTemplate when there is no such file."""
    if not re.fullmatch(r"[a-z_]+(\.[a-z]{2})?", name):
        raise BadTemplate(f"{name!r} is no name of a template")
    try:
        text = files("prompts").joinpath(f"{name}.md").read_text("utf-8")
    except FileNotFoundError:
        raise BadTemplate(f"there is no prompts/{name}.md") from None
    parts = re.split(r"^## (\S+)\s*$", text, flags=re.MULTILINE)[1:]
    return {
        heading: Template(f"{name}#{heading}", body.strip())
        for heading, body in zip(parts[::2], parts[1::2], strict=True)
    }


@lru_cache(maxsize=1)
def digest() -> str:
    """sha256 over all templates, so that a record tells which words it was made with."""
    texts = sorted((f.name, f.read_text("utf-8")) for f in files("prompts").iterdir() if f.name.endswith(".md"))
    return hashlib.sha256(repr(texts).encode("utf-8")).hexdigest()
