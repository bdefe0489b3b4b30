"""Bodies in chunks, as clients send them that do not know the length (RFC 9112, section 7.1)."""


def chunked(size: int, chunk: int) -> bytes:
    """Return a body of so many blanks in chunks of at most so many bytes."""
    sizes = [chunk] * (size // chunk) + ([size % chunk] if size % chunk else [])
    return b"".join(f"{length:x}\r\n".encode() + b" " * length + b"\r\n" for length in sizes) + b"0\r\n\r\n"
