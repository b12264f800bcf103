"""Bodies to judge, and Placement's own verdict on them."""

import json
import random
import re
import string
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jsonschema
import pytest
import webob.exc
from placement import util

Body = bytes
Schema = dict[str, Any]

_NAME = string.ascii_uppercase + string.digits + "_"
_UUID = "5d4d7ff3-5ac1-4b62-9d1f-2a3b4c5d6e7f"

STRANGE_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31 - 1, 2**31, 2**53 + 1, 2**63, 2**64, 10**39, -(10**30)),
    *(3.0, 0.5, -0.0, 1e16, 1e300, 3.40282e38, 3.5e38, float("nan"), float("inf"), -float("inf")),
    *("", " ", "x", "0", "VCPU", "vcpu", "VCPU\n", "VCPU\n\n", "CUSTOM_A\n", "CUSTOM_", "custom_a"),
    *(_UUID, _UUID.upper(), _UUID.replace("-", ""), _UUID + "\n", "{" + _UUID + "}"),
    *("urn:uuid:" + _UUID, _UUID[:-1], _UUID[:-1] + "g", "-" * 36, "-" + _UUID.replace("-", "")),
    *("a" * 200, "a" * 201, "A" * 255, "A" * 256, "é" * 200, "\U0001f600" * 201, "A" * 3000),
    *('say "no"', "it's", "both ' and \"", "a:b", "a\\b", "a/b~1", "tab\t", "nul\0", "half\ud800"),
    *([], {}, [1], [[]], [{}], {"a": 1}, {"": None}, {"A": {"A": {"A": 1}}}, [1, 1.0, True]),
    *(["a", "a"], [_UUID, _UUID], list(range(400)), {f"K{i}": i for i in range(300)}),
)
STRANGE_KEYS: tuple[str, ...] = (
    *("", " ", "a", "vcpu", "VCPU", "VCPU\n", "0", "7", "é", "a/b", "~0", "a:b", '"', "'", "\\"),
    *("!", "nul\0", "half\udfff", "name", "uuid", "allocations", "inventories", "generation"),
    *(_UUID, _UUID.replace("-", ""), _UUID + "\n", "-" * 36, "A" * 256, "k" * 3000),
)
STRANGE_NUMBERS = (
    *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "01", "1.", ".5", "+1", "-0"),
    *("-", "0x1", "1e2", "1E+2", "1e0", "1.0", "-0.0", "1" + "0" * 30, "1" * 4300, "1" * 4301),
    *("1_0", "1 2", "18446744073709551615", "18446744073709551616", "-9223372036854775809"),
    *("0.1e1", "1.7976931348623157e308", "340282000000000000000000000000000000000", "true", "nan"),
    *("340282" + "0" * 33 + ".0", "3.4028200000000001e38", "5e-324", "1e", "1e+", "1.5e3.2"),
)
STRANGE_BYTES = (
    *(b"\x00", b"\n", b"\t", b"\x0b", b"\x0c", b"\x1f", b"\x7f", b" ", b"\xa0", b"\xc2\xa0"),
    *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80\xa8", b"\xc3"),
    *(b"\xef\xbb\xbf", b'"', b"'", b":", b",", b"{", b"}", b"[", b"]", b"\\", b"//", b"/**/"),
    *(b"\\u0000", b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\\u0041", b"\\n", b"\\x", b"\\u12"),
)


class Verdict(NamedTuple):
    """What Placement says: the data, or the detail of a 400; neither where it answers 500."""

    accepted: bool
    data: Any = None
    detail: str | None = None


class Bodies:
    """Makes bodies from schemas: plain ones, and ones with something wrong in value or in text."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed)

    # Plain --------------------------------------------------------------------------------------

    def plain(self, schema: Schema) -> Any:
        """A value that the schema takes, of the plainest kind."""
        if "anyOf" in schema:
            return self.plain(self.random.choice(schema["anyOf"]))
        kind = schema["type"]
        return getattr(self, "_" + (self.random.choice(kind) if isinstance(kind, list) else kind))(
            schema
        )

    def _object(self, schema: Schema) -> dict[str, Any]:
        made = {
            key: self.plain(member)
            for key, member in schema.get("properties", {}).items()
            if key in schema["required"] or self.random.random() < 0.6
        }
        for pattern, member in schema.get("patternProperties", {}).items():
            for _ in range(self.random.randint(schema.get("minProperties", 0), 3)):
                made[self._matching(pattern)] = self.plain(member)
        return made

    def _array(self, schema: Schema) -> list[Any]:
        count = self.random.randint(schema.get("minItems", 0), 3)
        return [self.plain(schema["items"]) for _ in range(count)]

    def _string(self, schema: Schema) -> str:
        if schema.get("format") == "uuid":
            return self._uuid()
        if "pattern" in schema:
            return self._matching(schema["pattern"])
        lengths = (1, 2, 17, schema.get("maxLength", 40))
        letters = self.random.choice((_NAME, string.ascii_letters + " :-./", "aé中\U0001f600"))
        return "".join(self.random.choices(letters, k=self.random.choice(lengths)))

    def _integer(self, schema: Schema) -> int:
        low, high = schema.get("minimum", -3), schema.get("maximum", 2**31)
        return self.random.choice((low, high, low + 1, self.random.randint(low, high)))

    def _number(self, _: Schema) -> float:
        return self.random.choice((1, 0, -2, 16.0, 1.5, -0.25, 1e-7, 3.40282e38, 0.1, 1e22))

    def _null(self, _: Schema) -> None:
        return None

    def _matching(self, pattern: str) -> str:
        name = "".join(self.random.choices(_NAME, k=self.random.randint(1, 12)))
        if "CUSTOM_" in pattern:
            return "CUSTOM_" + name
        return self._uuid() if "{36}" in pattern else name

    def _uuid(self) -> str:
        text = str(uuid.UUID(int=self.random.getrandbits(128)))
        return text.upper() if self.random.random() < 0.2 else text

    # Strange values -----------------------------------------------------------------------------

    def strange(self, schema: Schema) -> Any:
        """A plain value of which one to three parts are changed, often for the worse."""
        holder = [self.plain(schema)]
        for _ in range(self.random.choice((1, 1, 1, 2, 3))):
            places = list(_places(holder))
            container, key = self.random.choice(places)
            self._change(container, key, places)
        return holder[0]

    def _change(self, container: Any, key: Any, places: list[Any]) -> None:
        value = container[key]
        choice = self.random.random()
        if isinstance(value, dict) and choice < 0.6:
            self._change_object(value)
        elif isinstance(value, list) and value and choice < 0.4:
            again = self.random.choice(value)
            value.insert(self.random.randint(0, len(value)), again)
        elif choice < 0.7:
            container[key] = self._strange_value()
        elif choice < 0.8:
            other, name = self.random.choice(places)
            container[key] = json.loads(json.dumps(other[name]))
        elif choice < 0.9 and isinstance(value, int):
            container[key] = float(value) if abs(value) < 2**60 else value
        else:
            container[key] = self.random.choice(([value], {"a": value}, str(value), [value, value]))

    def _change_object(self, value: dict[str, Any]) -> None:
        choice = self.random.random()
        if choice < 0.3 or not value:
            value[self.random.choice(STRANGE_KEYS)] = self._strange_value()
            return
        key = self.random.choice(list(value))
        removed = value.pop(key)
        if choice < 0.7:
            value[self.random.choice(STRANGE_KEYS)] = removed
        elif choice < 0.8:
            value.clear()

    def _strange_value(self) -> Any:
        return json.loads(json.dumps(self.random.choice(STRANGE_VALUES)))

    # Text ---------------------------------------------------------------------------------------

    def text(self, value: Any) -> Body:
        """The value as JSON, in one of the ways in which it can be written."""
        written = json.dumps(
            value,
            ensure_ascii=self.random.random() < 0.5,
            indent=self.random.choice((None, None, None, 1, "\t")),
            separators=self.random.choice((None, (",", ":"), (" , ", " : "))),
        )
        return written.encode("utf-8", "surrogatepass")

    def strange_text(self, value: Any) -> Body:
        """The value as JSON whose text is changed in one or two places."""
        body = json.dumps(value, ensure_ascii=self.random.random() < 0.2).encode()
        for _ in range(self.random.choice((1, 1, 2))):
            body = self.random.choice(self._EDITS)(self, body)
        return body

    def _somewhere(self, body: Body, pattern: bytes, replace: Callable[[Any], bytes]) -> Body:
        found = list(re.finditer(pattern, body))
        if not found:
            return body
        match = self.random.choice(found)
        return body[: match.start()] + replace(match) + body[match.end() :]

    def _repeat_key(self, body: Body) -> Body:
        first = self.random.choice((b"0", b"null", b"{}", b'"a:b"', b"NaN", b'"\\u0000"'))
        return self._somewhere(
            body,
            rb'\{\s*("[^"\\]*")\s*:',
            lambda m: b"{" + m[1] + b":" + first + b"," + m[1] + b":",
        )

    def _repeat_key_escaped(self, body: Body) -> Body:
        return self._somewhere(
            body,
            rb'\{\s*"([^"\\]+)"\s*:',
            lambda m: b'{"' + m[1] + b'":1,"\\u00%02x' % m[1][0] + m[1][1:] + b'":',
        )

    def _escape(self, body: Body) -> Body:
        return self._somewhere(body, rb"(?<=[\w\"])[a-zA-Z_-]", lambda m: b"\\u00%02x" % m[0][0])

    def _number_text(self, body: Body) -> Body:
        return self._somewhere(
            body,
            rb"(?<=[\s:\[,])-?\d[\d.eE+-]*",
            lambda _: self.random.choice(STRANGE_NUMBERS).encode(),
        )

    def _insert(self, body: Body) -> Body:
        at = self.random.randint(0, len(body))
        return body[:at] + self.random.choice(STRANGE_BYTES) + body[at:]

    def _insert_in_string(self, body: Body) -> Body:
        return self._somewhere(body, rb'"', lambda _: b'"' + self.random.choice(STRANGE_BYTES))

    def _delete(self, body: Body) -> Body:
        at = self.random.randrange(len(body) + 1)
        return body[:at] + body[at + 1 :]

    def _truncate(self, body: Body) -> Body:
        return body[: self.random.randrange(len(body) + 1)]

    def _trail(self, body: Body) -> Body:
        return body + self.random.choice(
            (b"{}", b",", b"x", b"\x00", b"\n", b" \t\r\n", b"null", b"]")
        )

    def _lead(self, body: Body) -> Body:
        return (
            self.random.choice((b"\xef\xbb\xbf", b"\n\r\t ", b"\x0c", b",", b"[", b"\x00")) + body
        )

    def _trailing_comma(self, body: Body) -> Body:
        return self._somewhere(body, rb"[}\]]", lambda m: b"," + m[0])

    def _recode(self, body: Body) -> Body:
        text = body.decode("utf-8", "replace")
        codec = self.random.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "latin-1"))
        return text.encode(codec, "replace")

    def _wrap(self, body: Body) -> Body:
        levels = self.random.choice((1, 2, 30, 498, 500, 600))
        return b"[" * levels + body + b"]" * levels

    _EDITS = (
        *(_repeat_key, _repeat_key_escaped, _escape, _number_text, _number_text, _insert),
        *(_insert, _insert_in_string, _insert_in_string, _delete, _truncate, _trail, _lead),
        *(_trailing_comma, _recode, _wrap),
    )


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) inside a value."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _places(value[key])


@pytest.fixture(scope="session")
def bodies() -> type[Bodies]:
    """Makes bodies; called with a seed."""
    return Bodies


@pytest.fixture(scope="session")
def placement_says() -> Iterator[Callable[[Body, Schema], Verdict]]:
    """Placement's verdict on a body by a schema."""

    def says(body: Body, schema: Schema) -> Verdict:
        try:
            return Verdict(accepted=True, data=util.extract_json(body, schema))
        except webob.exc.HTTPBadRequest as error:
            return Verdict(accepted=False, detail=error.detail)
        except Exception:
            return Verdict(accepted=False)

    with pytest.MonkeyPatch.context() as patch:
        # jsonschema checks the schema itself at every call, which takes most of the time.
        patch.setattr(jsonschema.Draft202012Validator, "check_schema", lambda *_, **__: None)
        yield says
