"""Names and links that users type, and such as are refused."""

HIDDEN = (
    *map(chr, (0x01, 0x09, 0x0A, 0x0D, 0x1B, 0x7F, 0x85, 0x9F, 0xAD, 0x180E, 0x200B, 0x2028, 0x2029)),
    *map(chr, (0x2060, 0x2064, 0x206A, 0x206F)),
    *map(chr, (0xFEFF, 0xFFF9)),
)
"""Characters that nobody sees, or that hide the text around them."""

BIDI_CONTROLS = (*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A)))
"""Characters that turn the text around them."""

HIDDEN_IN_LINKS = (
    *HIDDEN,
    *BIDI_CONTROLS,
    *map(chr, (0x34F, 0x61C, 0x115F, 0x200C, 0x200D, 0x200E, 0x200F, 0x3164, 0xFFA0)),
)
"""Of these names and texts need some."""

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

LINKS = {
    "https://a": "https://a",
    "Https://zoom.us/j/1": "https://zoom.us/j/1",
    "hTTp://A.example": "http://a.example",
    "https://a.example:8443/x?y=1&z=%20#a@b": "https://a.example:8443/x?y=1&z=%20#a@b",
    "https://[2001:db8::1]:8/": "https://[2001:db8::1]:8/",
    "https://a:65535/": "https://a:65535/",
    "https://my_host-1.example/": "https://my_host-1.example/",
    "https://bücher.example/ü": "https://xn--bcher-kva.example/%C3%BC",
    "https://bu\u0308cher.example/u\u0308": "https://xn--bcher-kva.example/u%CC%88",
    "https://BÜCHER.example:80": "https://xn--bcher-kva.example:80",
    "https://почта.рф/путь": "https://xn--80a1acny.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C",
    "http://a?x": "http://a?x",
    "http://a#x": "http://a#x",
    "https://a/\"b'": "https://a/%22b'",
    "https://a/@b:c": "https://a/@b:c",
    "https://a/ b": "https://a/%20b",
    "https://a/<b>": "https://a/%3Cb%3E",
    "https://a/?x[]={y}|^`\\": "https://a/?x%5B%5D=%7By%7D%7C%5E%60%5C",
    "https://a/%C3%BC/%zz/100%": "https://a/%C3%BC/%25zz/100%25",
    "https://a/#x#y": "https://a/#x%23y",
    "https://a/\U0001f600\u00a0x": "https://a/%F0%9F%98%80%C2%A0x",
    "https://a/\u2764\ufe0f": "https://a/%E2%9D%A4%EF%B8%8F",
    " \t\nhttps://a/b\u3000\r\n": "https://a/b",
}
"""What people type, and the URI that it becomes."""

NO_LINKS = (
    "http:///x", "https://", "https://?x", "https://:80/", "https:x", "//a", "ftp://a", "javascript:alert(1)", "x https://a",
    "https://user:pass@evil/", "https://user@evil/", "https://@evil/", "https://good.example\\@evil/", "https://a\\b",
    "https://paypal.com\u202e@evil/", "https://x<script>", "https://[::1", "https://a:b/", "https://a:0/", "https://a:/",
    "https://a:65536/", "https://a:99999/", "https://a:999999/", "https://a:1:2/", "https://a b/", "https://[x]/",
    "https://%61/", "https://a\"b/", "https://a{b}/", "https://a\u3000b/",
    *(f"https://a/{character}b" for character in HIDDEN_IN_LINKS),
    *(f"https://a{character}b/" for character in HIDDEN_IN_LINKS),
)  # fmt: skip
