"""Spellings of an e-mail address, and texts that are none."""

MAILBOX = "ada@xn--bcher-kva.example"
SPELLINGS = (
    MAILBOX, "ada@bücher.example", "ada@bu\u0308cher.example", "Ada@BÜCHER.Example", " ADA@XN--BCHER-KVA.example\t",
    '"ada"@bücher.example', '"a\\da"@bücher.example',
)  # fmt: skip
"""Of one mailbox."""

HIDDEN = tuple(
    map(chr, (0x00AD, *range(0x200B, 0x2010), 0x2060, 0xFEFF, 0x01, 0x09, 0x7F, 0x85, 0x202E, 0x034F, 0x115F))
)
"""Characters that nobody sees."""

WITH_HIDDEN = (
    *(f"ada{character}@example.com" for character in HIDDEN), *(f"ada@exam{character}ple.com" for character in HIDDEN),
    "\u200bada@example.com", "ada@example.com\u200b", "\ufeffada@example.com", " ada@example.com\u2060 ",
)  # fmt: skip

LOCAL_PARTS = ("\uff41da", "\u212aim", "üser", "a\u0301da", "ада")
"""Local parts that are not ASCII; normalized, the first two are."""

DOMAINS = (
    "[192.0.2.1]", "[IPv6:2001:db8::1]", "xn--a.example", "xn--.example", "☃.example", "a_b.example",
    "a..example", "-a.example", "ab--cd.example", f"{'ü' * 60}.example", f"{'a' * 64}.example", "a\uff0fb.example",
    "\u0301a.example", "א1a.example", "a.", ".", "", "a b.example", "x\u3002",
)  # fmt: skip
"""Domains that have no A-labels or get no mail."""

NO_ADDRESSES = (
    *(f"{local_part}@bücher.example" for local_part in LOCAL_PARTS), *(f"ada@{domain}" for domain in DOMAINS),
    "", "@", "ada", "@bücher.example", '""@bücher.example', '"ada@bücher.example', "ada@@bücher.example",
)  # fmt: skip
