"""Private addresses and odd spellings of URLs that lead to them."""

PRIVATE = (
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::1", "2001::1", "fc00::1",
    "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1", "100::1", "nonsense", "",
)  # fmt: skip
LITERALS = (
    "127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "017700000001", "0x7f000001", "0x7f.0.0.1", "0x7f.1",
    "127.0.0.1.", "0", "0x0", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[fe80::1%25eth0]", "10.1",
    "169.254.169.254", "192.168.257", "1.1.1.1", "8.8.8.8", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376",
    "[64:ff9b::a9fe:a9fe]",
)  # fmt: skip
ODD = (
    "http://nobody.invalid/", "ftp://nobody.invalid/", "file:///etc/passwd", "//nobody.invalid/", "nobody.invalid",
    "https://nobody.invalid:80/", "https://nobody.invalid:8443/", "https://nobody.invalid:/", "https:///x", "https://",
    "https://user@nobody.invalid/", "https://user:pw@nobody.invalid/", "https://@nobody.invalid/",
    "https://nobody.invalid\\@127.0.0.1/", "https://nobody.invalid#@127.0.0.1\n/", "https://no body.invalid/",
    "https://nobody.invalid\r\nX: y/", "https://nobody.invalid\t/", "https://127。0。0。1/",
    "https://%31%32%37.0.0.1/", "https://nobody.invalid:99999/", "https://nobody.invalid:x/", "https://-a.invalid/",
    "https://a..invalid/", "javascript:alert(1)", "https://[::1/", "HTTPS:127.0.0.1",
    "https://" + "a" * 2000 + ".invalid",
)  # fmt: skip
MAPPED = ("https://ⓔxample.invalid/",)
"""Public once its host is in A-labels, as it is saved."""

LOCAL_NAMES = ("https://localhost/", "https://LOCALHOST./")
