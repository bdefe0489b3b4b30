"""Names and links that users type, and such as are refused."""

HIDDEN = (
    *map(chr, (0x01, 0x09, 0x0A, 0x0D, 0x1B, 0x7F, 0x85, 0x9F, 0xAD, 0x180E, 0x200B, 0x2028, 0x2029)),
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, (0x2060, 0x2064)),
    *map(chr, range(0x2066, 0x206A)),
    *map(chr, (0xFEFF, 0xFFF9)),
)
"""Characters that nobody sees, or that hide or turn the text around them."""

NAMES = (
    "O'Brien-Łukasz, Jr.", "Nguyễn Thị", "محمد", "\u05d3\u05d5\u05d3\u200e", "\u0645\u06cc\u200c\u062e",
    "\U0001f469\u200d\U0001f4bb & co", "A/B ?# <x>", "http", "ww.example", "wwwx", "https:/ x",
)  # fmt: skip
NO_NAMES = (
    "see http://x", "HTTPS://X", "hTtP://x", "www.x", "Buy at WwW.x", " ", "\u2003", "\u3000",
    *(f"Google{character} LLC" for character in HIDDEN), *(f"{character}A" for character in HIDDEN),
)  # fmt: skip
LINKS = (
    "https://a", "HTTPS://x", "hTTp://A.example", "https://a.example:8443/x?y=1&z=%20#a@b", "https://[2001:db8::1]:8/",
    "https://bücher.example/ü", "http://a?x", "http://a#x", 'https://a/"b\'', "https://a/@b:c",
)  # fmt: skip
NO_LINKS = (
    "http:///x", "https://", "https://?x", "https://:80/", "https:x", "//a", "ftp://a", "javascript:alert(1)", "x https://a",
    "https://user:pass@evil/", "https://user@evil/", "https://@evil/", "https://good.example\\@evil/", "https://a\\b",
    "https://paypal.com\u202e@evil/", "https://x<script>", "https://a/<b", "https://a/b>", "https://[::1", "https://a:b/",
    "https://a:999999/", "https://a:1:2/", "https://a b/", "https://a/ b", "https://[x]/", "https://a/\u200d",
    *(f"https://a/{character}b" for character in HIDDEN), *(f"https://a{character}b/" for character in HIDDEN),
)  # fmt: skip
