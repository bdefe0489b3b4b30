"""The content lines of a calendar file, checked against RFC 5545."""

import re


def properties(raw: bytes) -> dict[str, list[str]]:
    """Return unfolded content lines by name, and check line ends and lengths (RFC 5545, section 3.1)."""
    text = raw.decode()
    assert text.endswith("\r\n")
    assert "\n" not in text.replace("\r\n", "")
    assert "\r" not in text.replace("\r\n", "")
    lines = text.split("\r\n")
    assert max(len(line.encode()) for line in lines) <= 75
    values: dict[str, list[str]] = {}
    for line in re.sub("\r\n[ \t]", "", text).split("\r\n")[:-1]:
        name = re.split("[:;]", line, maxsplit=1)[0]
        assert re.fullmatch(r"[A-Z-]+", name), line
        values.setdefault(name, []).append(line.partition(":")[2])
    return values
