"""Passages that repeat a question word for word in a statement: made to be found, they answer nothing.

Not for: questions that a source asks and answers itself, and what is said in other words than the question's.
"""

import re

from index.sentences import split

_LEAST = 5  # words; shorter questions stand in honest sentences ("He knows who signed it")
_EARLY = 3  # words in which a question says what it asks for ("In which year …")
_WORD = re.compile(r"\w+")
_ASKS = frozenset(
    "who whom whose what which when where why how is are was were do does did has have had can could will would should "
    "кто кого кому кем что чего чему чем какой какая какое какие каких каком какую каким какого какому когда где куда "
    "откуда почему зачем сколько как чей чья чьё чьи "
    "хто каго каму кім што чаго чаму чым які якая якое якія якіх якім якую якога якому калі дзе куды адкуль навошта "
    "колькі як чый чыя чыё чые".split()
)


def echoes(question: str, text: str) -> bool:
    """Whether a statement in `text` holds all of `question`, word for word.

    >>> echoes("When was the treaty signed?", "When was the treaty signed: all about it is on this page.")
    True
    >>> echoes("When was the treaty signed?", "When was the treaty signed? In December 1999.")
    False
    """
    asked = _WORD.findall(question.casefold())
    if len(asked) < _LEAST or _ASKS.isdisjoint(asked[:_EARLY]):
        return False
    wanted = f" {' '.join(asked)} "
    return any(
        wanted in f" {' '.join(_WORD.findall(text[a:b].casefold()))} "
        for a, b in split(text)
        if not is_question(text[a:b])
    )


def is_question(sentence: str) -> bool:
    """Whether it ends as a question, be it quoted or in brackets."""
    return sentence.rstrip("\"'»”)]").endswith("?")
