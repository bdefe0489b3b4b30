"""Names and links that users type, and such as are refused."""

HIDDEN = (
    *map(chr, (0x01, 0x09, 0x0A, 0x0D, 0x1B, 0x7F, 0x85, 0x9F, 0xAD, 0x180E, 0x200B, 0x2028, 0x2029)),
    *map(chr, (0x2060, 0x2064, 0x206A, 0x206F)),
    *map(chr, (0xFEFF, 0xFFF9)),
)
"""Characters that nobody sees, or that hide the text around them."""

BIDI_CONTROLS = (*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)))
"""Characters that turn the text around them."""

NAMES = (
    "O'Brien-Łukasz, Jr.", "Nguyễn Thị", "محمد", "\u05d3\u05d5\u05d3\u200e", "\u0645\u06cc\u200c\u062e",
    "\U0001f469\u200d\U0001f4bb & co", "A/B ?# <x>", "http", "ww.example", "wwwx", "https:/ x",
)  # fmt: skip
NO_NAMES = (
    "see http://x", "HTTPS://X", "hTtP://x", "www.x", "Buy at WwW.x", " ", "\u2003", "\u3000",
    "ht\u202etp://x", "http\u2066s\u2069://x", "w\u202aw\u202cw\u2066.x", "\u202e", " \u2067\u3000\u2069",
    *(f"Google{character} LLC" for character in HIDDEN), *(f"{character}A" for character in HIDDEN),
)  # fmt: skip
TURNED_NAMES = {
    **{f"{control}Ad{control}a{control}": "Ada" for control in BIDI_CONTROLS},
    "\u202ecnI eroL": "cnI eroL", "\u2067\u05d3\u05d5\u05d3\u2069 & co": "\u05d3\u05d5\u05d3 & co",
    "ht\u202etp:/ x": "http:/ x",
}  # fmt: skip
"""Names as typed, with bidirectional controls, and as stored."""

TURNED_PROSE = {
    "a\u202eb": "ab", "a\u2067b\u2069c": "a\u2067b\u2069c", "\u202b\u05d0\u202c 1": "\u202b\u05d0\u202c 1",
    "a\u2069b\u202c": "ab", "\u202ea\nb\u202c": "a\nb", "\u2067a\u202eb\u2069c": "\u2067ab\u2069c",
    "\u2066a\u202cb\u2069": "\u2066ab\u2069", "\u202ea\u2066b\u202cc": "abc",
}  # fmt: skip
"""Texts of several lines as typed and as stored, of which only balanced controls stay."""

LINKS = (
    "https://a", "HTTPS://x", "hTTp://A.example", "https://a.example:8443/x?y=1&z=%20#a@b", "https://[2001:db8::1]:8/",
    "https://bücher.example/ü", "http://a?x", "http://a#x", 'https://a/"b\'', "https://a/@b:c",
)  # fmt: skip
NO_LINKS = (
    "http:///x", "https://", "https://?x", "https://:80/", "https:x", "//a", "ftp://a", "javascript:alert(1)", "x https://a",
    "https://user:pass@evil/", "https://user@evil/", "https://@evil/", "https://good.example\\@evil/", "https://a\\b",
    "https://paypal.com\u202e@evil/", "https://x<script>", "https://a/<b", "https://a/b>", "https://[::1", "https://a:b/",
    "https://a:999999/", "https://a:1:2/", "https://a b/", "https://a/ b", "https://[x]/", "https://a/\u200d",
    *(f"https://a/{character}b" for character in HIDDEN + BIDI_CONTROLS),
    *(f"https://a{character}b/" for character in HIDDEN + BIDI_CONTROLS),
)  # fmt: skip
