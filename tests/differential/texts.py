"""Changes to the text of a body: what is wrong before, or although, it is a value."""

import random
import re
from collections.abc import Callable

from tests.differential.strange import DEPTHS

_NUMBER_TEXTS = (
    *(b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"-0.0", b"-0", b"01", b"1.", b".5"),
    *(b"+1", b"-", b"0x1", b"1e", b"1_0", b"9" * 4300, b"9" * 4301, b"1e-400", b"nan", b"True"),
)
_PIECES = (
    *(b"\x00", b"\n", b"\t", b"\x1f", b"\x7f", b" ", b"\xc2\xa0", b"\xff", b"\xc0\x80", b"\xc3"),
    *(b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b'"', b"'", b","),
    *(b"{", b"}", b"[", b"]", b"\\", b"//x\n", b"/**/", b"\\u0000", b"\\ud800", b"\\udc00", b":"),
    *(b"\\ud83d\\ude00", b"\\u000a", b"\\n", b"\\x41", b"\\u12", b"\\/"),
)


def changed(body: bytes, rng: random.Random) -> tuple[bytes, str]:
    """The text with one or two changes, and what was done."""
    done = []
    for _ in range(rng.choice((1, 1, 2))):
        change = rng.choice(_CHANGES)
        body = change(body, rng)
        done.append(change.__name__.strip("_"))
    return body, "+".join(done)


def _somewhere(
    body: bytes, rng: random.Random, pattern: bytes, new: Callable[[re.Match[bytes]], bytes]
) -> bytes:
    found = list(re.finditer(pattern, body))
    if not found:
        return body
    match = rng.choice(found)
    return body[: match.start()] + new(match) + body[match.end() :]


_KEY = rb'"((?:[^"\\]|\\.)+)"(\s*:)'


def _repeated_key(body: bytes, rng: random.Random) -> bytes:
    """A key twice; the first value is one that would do, or one that would not."""
    first = rng.choice((b"1", b"null", b"{}", b'"a"', b"NaN", b"[]", b'{"resources":{"VCPU":1}}'))
    return _somewhere(body, rng, _KEY, lambda m: m[0] + first + b"," + m[0])


def _repeated_key_escaped(body: bytes, rng: random.Random) -> bytes:
    """A key twice, once spelled with an escape."""

    def new(match: re.Match[bytes]) -> bytes:
        escaped = b'"\\u00%02x%s"%s' % (match[1][0], match[1][1:], match[2])
        return escaped + b"1," + match[0]

    return _somewhere(body, rng, rb'"([A-Za-z0-9_][^"\\]*)"(\s*:)', new)


def _repeated_member(body: bytes, rng: random.Random) -> bytes:
    """A simple member twice, as it is."""
    return _somewhere(
        body, rng, _KEY[:-1] + rb'\s*)(-?[\d.]+|"[^"\\]*"|\{\}|\[\])', lambda m: m[0] + b"," + m[0]
    )


def _escaped(body: bytes, rng: random.Random) -> bytes:
    return _somewhere(body, rng, rb'(?<=[\w"])[a-zA-Z_-]', lambda m: b"\\u00%02x" % m[0][0])


def _number(body: bytes, rng: random.Random) -> bytes:
    return _somewhere(
        body, rng, rb"(?<=[\s:\[,])-?\d[\d.eE+-]*", lambda _: rng.choice(_NUMBER_TEXTS)
    )


def _deep(body: bytes, rng: random.Random) -> bytes:
    """A value so deep down that a parser gives up; in one place or around everything."""
    levels = rng.choice(DEPTHS)
    opening, closing = rng.choice(((b"[", b"]"), (b'{"a":', b"}")))
    if rng.random() < 0.3:
        return opening * levels + body + closing * levels
    return _somewhere(
        body,
        rng,
        rb'(?<=:)\s*(-?\d+|null|\{|"[^"]*")',
        lambda m: _nest(m, opening, closing, levels),
    )


def _nest(match: re.Match[bytes], opening: bytes, closing: bytes, levels: int) -> bytes:
    if match[1] == b"{":
        return b' {"vcpu":' + opening * levels + b"1" + closing * levels + b","
    return opening * levels + match[1] + closing * levels


def _insert(body: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(body))
    return body[:at] + rng.choice(_PIECES) + body[at:]


def _insert_in_string(body: bytes, rng: random.Random) -> bytes:
    return _somewhere(body, rng, rb'(?<=\w)"', lambda _: rng.choice(_PIECES) + b'"')


def _delete(body: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(body) + 1)
    return body[:at] + body[at + rng.choice((1, 1, 5)) :]


def _truncate(body: bytes, rng: random.Random) -> bytes:
    return body[: rng.randrange(len(body) + 1)]


def _trail(body: bytes, rng: random.Random) -> bytes:
    return body + rng.choice(
        (b"{}", b",", b"x", b"\x00", b"\n", b" \t\r\n", b"null", b"]", b" " * 9000)
    )


def _lead(body: bytes, rng: random.Random) -> bytes:
    return rng.choice((b"\xef\xbb\xbf", b"\n\r\t ", b"\x0c", b",", b"[", b"\x00", b")]}'\n")) + body


def _comma(body: bytes, rng: random.Random) -> bytes:
    return _somewhere(body, rng, rb"[}\]]", lambda m: b"," + m[0])


def _recode(body: bytes, rng: random.Random) -> bytes:
    codec = rng.choice(
        ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "utf-7", "cp500")
    )
    return body.decode("utf-8", "replace").encode(codec, "replace")


def _spread(body: bytes, rng: random.Random) -> bytes:
    """Blanks wherever JSON allows them: nothing is wrong with it."""
    return re.sub(rb'(?<=[\]}0-9"])([,:])', rb" \t\1\r\n ", body)


_CHANGES = (
    *(_repeated_key, _repeated_key, _repeated_key_escaped, _repeated_member, _escaped, _number),
    *(_number, _deep, _insert, _insert_in_string, _insert_in_string, _delete, _truncate, _trail),
    *(_lead, _comma, _recode, _spread),
)
