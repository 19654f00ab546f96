"""Greetings, thanks and questions about the assistant itself: they ask nothing of the sources. Pure."""

import re

_WHOLE = re.compile(
    r"""(?:hi|hello|hey|good\ (?:morning|day|afternoon|evening)|greetings|thanks?|thank\ you|cheers|bye|goodbye|see\ you
    |ok|okay|great|nice|cool|well\ done|help|help\ me|test|testing|how\ are\ you(?:\ doing)?|how\ do\ you\ work
    |(?:who|what)\ are\ you|what(?:'s|\ is)\ your\ name|are\ you\ (?:a\ |an\ )?(?:bot|robot|human|real|ai|person)
    |what\ (?:can|do)\ you\ (?:do|know|answer)|what\ can\ i\ ask(?:\ you)?|tell\ me\ a\ joke
    |привет(?:ствую)?|здравствуй(?:те)?|добр(?:ый|ое|ого)\ (?:день|утро|вечер|дня)|спасибо|благодарю|пока|до\ свидания
    |помощь|помоги(?:те)?|как\ дела|как\ (?:ты|вы)\ работае(?:шь|те)|кто\ (?:ты|вы)(?:\ такой|\ такая)?|что\ (?:ты|вы)
    \ (?:умее|може|знае)(?:шь|те)(?:\ делать)?|(?:ты|вы)\ (?:бот|робот|человек)|как\ тебя\ зовут|хорошо|понятно|отлично
    |прывітанне|вітаю|добр(?:ы|ай|ага)\ (?:дзень|раніцы|вечар|дня)|дзякуй|дзякую|да\ пабачэння|дапамажы(?:це)?|дапамога
    |як\ справы|хто\ (?:ты|вы)(?:\ такі|\ такая)?|што\ (?:ты|вы)\ (?:ўмее|можа|ведае)(?:ш|це)|добра|зразумела)
    (?:\ (?:there|all|everyone|very\ much|so\ much|a\ lot|again|please|большое|огромное|всем|вялікі|усім|калі\ ласка
    |пожалуйста))*""",
    re.IGNORECASE | re.VERBOSE,
)


def is_small_talk(text: str) -> bool:
    """Whether nothing in `text` asks anything of the sources.

    >>> is_small_talk("Hello! How are you?"), is_small_talk("Спасибо большое"), is_small_talk("Hi, who is Glazyev?")
    (True, True, False)
    """
    pieces = [p for p in re.split(r"[.,!?;:…\s]*[.,!?;:…\n]+\s*|$", text.strip()) if p and re.search(r"\w", p)]
    return all(_WHOLE.fullmatch(" ".join(p.split())) for p in pieces)
