"""Reading policy files: whole, or all that is wrong, with file, line and column."""

import os

import pytest

from placement_guard.policy import files
from placement_guard.policy.files import PolicyError
from placement_guard.policy.judge import load


def problems(call, *given):
    with pytest.raises(PolicyError) as caught:
        call(*given)
    return [str(problem) for problem in caught.value.problems]


WRONG = [
    ("a mapping that is not closed", "{a: b", ":1:6: is no YAML: expected ',' or '}', but got '<stream end>'"),
    ("a tab where none can be", "a: b\n\tc: d", ":2:1: is no YAML: found character '\\t' that cannot start any token"),
    ("two documents", '"a": "@"\n---\n"b": "@"',
     ":2:1: is no YAML: but found another document"),
    ("JSON that ends early", '{"a": "@",', (":1:11: is no YAML: expected the node content, "
     "but found '<stream end>'")),
    ("a control character", "a: \x01", ": is no YAML: special characters are not allowed"),
    ("nothing", "", ": is empty; write {} for a policy without rules"),
    ("a comment alone", "# none\n", ": is empty; write {} for a policy without rules"),
    ("a list", "- a\n", ":1:1: is no mapping of rules to check strings"),
    ("a string", "a", ":1:1: is no mapping of rules to check strings"),
    ("a rule that stands there twice", '"a": "@"\n"b": "@"\n"a": "!"\n',
     ":3:1: a stands there twice, first in line 1"),
    ("a number for a check", '"a": 7\n', ":1:6: what a is must be a string; put quotes around it"),
    ("a truth value for a check", '"a": true\n',
     ":1:6: what a is must be a string; put quotes around it"),
    ("nothing for a check", '"a":\n', ":1:5: what a is must be a string; put quotes around it"),
    ("a list for a check", '"a": ["@"]\n', ":1:6: what a is must be a string; put quotes around it"),
    ("a number for a name", '7: "@"\n', ":1:1: is no name of a rule"),
    ("an empty name", '"": "@"\n', ":1:1: is no name of a rule"),
    ("a merge of mappings", '"a": "@"\n<<: {b: "@"}\n', ":2:1: is no name of a rule"),
    ("an alias that is not there", '"a": *b\n', ":1:6: is no YAML: found undefined alias 'b'"),
    ("a tag that would make an object", '"a": !!python/name:os.system ""\n',
     ":1:6: what a is must be a string; put quotes around it"),
]  # fmt: skip


@pytest.mark.parametrize("case", WRONG, ids=[c[0] for c in WRONG])
def test_what_is_wrong_is_told_with_its_place(tmp_path, case):
    _, text, said = case
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    assert problems(files.read, [str(path)]) == [f"{path}{said}"]


def test_what_is_not_utf_8_is_told_with_its_place(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_bytes(b'"a": "@"\n"b": "\xff"\n')
    assert problems(files.read, [str(path)]) == [f"{path}:2:7: is not UTF-8"]


def test_what_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text('"a": "@"\n' + "#" * files.MAX_BYTES)
    assert problems(files.read, [str(path)]) == [f"{path}: is larger than 1048576 bytes"]


@pytest.mark.parametrize(
    "text", ["[" * 5000, "{a: " * 5000, "- " * 5000], ids=["lists", "mappings", "dashes"]
)
def test_what_is_nested_for_ever_is_a_problem(tmp_path, text):
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    assert len(problems(files.read, [str(path)])) == 1


def test_aliases_of_aliases_are_not_multiplied(tmp_path):
    lines = ['"a0": &a0 ["@", "@"]'] + [
        f'"a{n}": &a{n} [*a{n - 1}, *a{n - 1}]' for n in range(1, 60)
    ]
    path = tmp_path / "policy.yaml"
    path.write_text("\n".join(lines))
    assert len(problems(files.read, [str(path)])) == 60


def test_an_alias_of_a_string_is_that_string(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text('"a": &x "role:a"\n"b": *x\n')
    assert {name: rule.text for name, rule in files.read([str(path)]).items()} == {
        "a": "role:a",
        "b": "role:a",
    }


def test_too_many_rules_are_a_problem(tmp_path):
    path = tmp_path / "policy.yaml"
    path.write_text("\n".join(f'"r{n}": "@"' for n in range(files.MAX_RULES + 1)))
    assert problems(files.read, [str(path)]) == [f"{path}: makes more than 4096 rules"]


def test_too_many_files_are_a_problem(tmp_path):
    for number in range(files.MAX_FILES + 1):
        (tmp_path / f"{number:03}.yaml").write_text("{}")
    assert problems(files.listed, "", [str(tmp_path)]) == [
        f"{tmp_path}/128.yaml: is one of more than 128 policy files"
    ]


def test_all_that_is_wrong_in_all_files_is_told_at_once(tmp_path):
    (tmp_path / "a.yaml").write_text('"x": 1\n"y": 2\n')
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.yaml").write_text('"fine": "@"\n')
    found = problems(load, "", [str(tmp_path)])
    assert [text.partition(":")[0].rpartition("/")[2] for text in found] == ["a.yaml"] * 2 + [
        "b.json"
    ]


def test_the_file_comes_first_and_of_a_rule_the_last_one_holds(tmp_path):
    first = tmp_path / "z.yaml"
    first.write_text('"a": "role:first"\n"b": "role:first"\n')
    (inside := tmp_path / "d").mkdir()
    (inside / "20.json").write_text('{"a": "role:20"}')
    (inside / "10.yml").write_text('"a": "role:10"\n')
    rules = files.read(files.listed(str(first), [str(inside)]))
    assert {name: rule.text for name, rule in rules.items()} == {"a": "role:20", "b": "role:first"}
    assert str(rules["a"].place) == f"{inside}/20.json:1:2"


def test_hidden_files_others_and_directories_are_not_looked_at(tmp_path):
    (tmp_path / "a.yaml").write_text("{}")
    for name in (".b.yaml", "c.yaml~", "d.yaml.swp", "e.txt", "f"):
        (tmp_path / name).write_text("[")
    (tmp_path / "optional").mkdir()
    assert files.listed("", [str(tmp_path)]) == [f"{tmp_path}/a.yaml"]


def test_a_directory_without_a_policy_is_no_policy(tmp_path):
    (tmp_path / "notes.txt").write_text("")
    said = f"{tmp_path}: has no policy file in it (.yaml, .yml, .json)"
    assert problems(files.listed, "", [str(tmp_path)]) == [said]


def test_what_is_not_there_or_no_file_is_a_problem(tmp_path):
    missing, inside = tmp_path / "none.yaml", tmp_path / "dir.yaml"
    inside.mkdir()
    os.mkfifo(pipe := tmp_path / "pipe.yaml")
    assert problems(files.read, [str(missing)]) == [
        f"{missing}: cannot be read (No such file or directory)"
    ]
    assert problems(files.read, [str(inside)]) == [f"{inside}: is no file"]
    assert problems(files.read, [str(pipe)]) == [f"{pipe}: is no file"]  # and it does not hang
    assert problems(files.listed, "", [str(missing)]) == [
        f"{missing}: cannot be read (No such file or directory)"
    ]


def test_links_are_followed_and_a_loop_is_a_problem(tmp_path):
    (tmp_path / "real.txt").write_text('"a": "@"\n')
    (tmp_path / "a.yaml").symlink_to(tmp_path / "real.txt")
    assert list(files.read(files.listed("", [str(tmp_path)]))) == ["a"]
    (tmp_path / "b.yaml").symlink_to(tmp_path / "b.yaml")
    (text,) = problems(files.read, files.listed("", [str(tmp_path)]))
    assert text.startswith(f"{tmp_path}/b.yaml: cannot be read (")


def test_a_signature_tells_files_apart_without_reading_them(tmp_path):
    path = tmp_path / "a.yaml"
    seen = [files.signature(str(path), [])]
    path.write_text('"a": "@"\n')
    seen.append(files.signature(str(path), []))
    (other := tmp_path / "b.yaml").write_text('"a": "!"\n')
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.rename(path)  # as large, as old, and another file
    seen.append(files.signature(str(path), []))
    path.unlink()
    seen.append(files.signature(str(path), []))
    assert seen[0] == seen[3]
    assert len(set(seen)) == 3
