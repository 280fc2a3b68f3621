"""A store that speaks the S3 protocol, as object stores of many makers do (MinIO, Ceph, OceanStor, the clouds)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import InvalidResponseError, MinioException, S3Error

from rooms.vault.store import Space, StoreUnavailable, checked

TIMEOUT = urllib3.Timeout(connect=5.0, read=60.0)
RETRIES = urllib3.Retry(total=4, backoff_factor=0.3, status_forcelist=(500, 502, 503, 504), allowed_methods=None, raise_on_status=False)
"""An object is written whole or not at all, so that any request may be made once more."""
ONE_PUT = 5 << 30
"""The largest object that one request may write; ours are parts of at most 16 MiB."""
GONE = frozenset({"NoSuchKey", "ResourceNotFound", "NotFound"})


class S3Store:
    """Objects in a bucket, below a prefix of ours."""

    def __init__(
        self, url: str, bucket: str, access_key: str, secret_key: str, *, region: str, path_style: bool = True, ca: Path | None = None
    ) -> None:
        parts = urlsplit(url)
        https = parts.scheme == "https"
        tls = {"cert_reqs": "CERT_REQUIRED", "ca_certs": str(ca) if ca is not None else None} if https else {}
        http = urllib3.PoolManager(timeout=TIMEOUT, maxsize=8, retries=RETRIES, **tls)  # type: ignore[arg-type]
        self._client = Minio(parts.netloc, access_key, secret_key, secure=https, region=region, http_client=http)
        if path_style:
            self._client.disable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
        else:
            self._client.enable_virtual_style_endpoint()  # type: ignore[no-untyped-call]
        self._url, self._bucket = url, bucket

    def put(self, name: str, content: bytes) -> None:
        with self._asked(name):
            self._client.put_object(self._bucket, checked(name), io.BytesIO(content), len(content), part_size=ONE_PUT)

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        if length == 0:
            return b""
        with self._asked(name):
            try:
                answer = self._client.get_object(self._bucket, checked(name), offset=start, length=length or 0)
            except S3Error as error:
                if error.code == "InvalidRange":  # nothing lies there
                    return b""
                raise
            try:
                content: bytes = answer.read()
                if answer.status == 200:  # the whole of it: a server need not know ranges (RFC 9110 section 14.2)
                    content = content[start:]
                return content if length is None else content[:length]
            finally:
                answer.close()
                answer.release_conn()

    def size(self, name: str) -> int:
        with self._asked(name):
            return self._client.stat_object(self._bucket, checked(name)).size or 0

    def list(self, prefix: str = "") -> Iterator[tuple[str, int]]:
        with self._asked(prefix):
            for found in self._client.list_objects(self._bucket, prefix=prefix or None, recursive=True):
                if found.object_name is not None and not found.is_dir:
                    yield found.object_name, found.size or 0

    def delete(self, name: str) -> None:
        with self._asked(name):
            self._client.remove_object(self._bucket, checked(name))

    def space(self) -> Space | None:
        with self._asked(""):
            if not self._client.bucket_exists(self._bucket):
                raise StoreUnavailable(f"{self}: there is no such bucket")
        return None  # the protocol has no word for it

    def __str__(self) -> str:
        return f"{self._url}/{self._bucket}"

    @contextmanager
    def _asked(self, name: str) -> Iterator[None]:
        try:
            yield
        except S3Error as error:
            if error.code in GONE:
                raise FileNotFoundError(name) from None
            raise StoreUnavailable(f"store {self}: {error.code}: {error.message}") from error
        except InvalidResponseError as error:
            raise StoreUnavailable(f"store {self}: it does not answer as a store does") from error
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            if isinstance(error, FileNotFoundError | StoreUnavailable):
                raise
            raise StoreUnavailable(f"store {self}: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
