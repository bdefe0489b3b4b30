"""Text with headers hidden in it."""

ENCODED = (  # CR LF, Bcc:, Reply-To:, Content-Type: text/html and a page, in base64
    "=?utf-8?b?DQpCY2M6IGV2aWxAeC5jb20NClJlcGx5LVRvOiBldmlsQHguY29tDQpDb250ZW50LVR5cGU6IHRleHQvaHRtbA0KDQo8aDE+UGF5"
    "IGhlcmU8L2gxPg==?="
)
