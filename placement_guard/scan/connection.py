"""Where Placement is, and who asks: a session of keystoneauth, made in one of two ways."""

from typing import Any, Final
from urllib.parse import urlsplit

from keystoneauth1 import exceptions, session, token_endpoint
from keystoneauth1.adapter import Adapter

from placement_guard.scan.errors import CannotScanError
from placement_guard.version import __version__

SERVICE: Final = "placement"
_AGENT: Final = "placement-guard"


def at_endpoint(url: str, token: str, *, cacert: str | None, threads: int) -> Adapter:
    """Placement at ``url``, asked with a token that is known. Raises CannotScanError."""
    try:
        parts = urlsplit(url)
        is_address = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address:
        raise CannotScanError("the endpoint is no URL that begins with http:// or https://")
    if parts.username or parts.query or parts.fragment:
        raise CannotScanError("the endpoint must be an address and a path, without a user")
    # The library under it names the token in its complaint.
    if not token or not all("!" <= letter <= "~" for letter in token):
        raise CannotScanError("the token is empty, or holds what no header takes")
    made = session.Session(
        auth=token_endpoint.Token(url, token),
        verify=cacert or True,
        app_name=_AGENT,
        app_version=__version__,
    )
    return _adapter(made, threads)


def in_cloud(name: str | None, *, cacert: str | None, threads: int) -> Adapter:
    """Placement of a cloud in clouds.yaml, or of the one that OS_* in the environment tells of.

    Raises CannotScanError where there is none, or where keystone refuses.
    """
    # Late: it takes a second, and an endpoint does without.
    from openstack import exceptions as sdk_exceptions  # noqa: PLC0415
    from openstack.config import OpenStackConfig  # noqa: PLC0415

    try:
        more: dict[str, Any] = {"cacert": cacert} if cacert else {}
        config = OpenStackConfig(app_name=_AGENT, app_version=__version__)
        region = config.get_one(cloud=name, **more)
        made = region.get_session()
    except (sdk_exceptions.SDKException, exceptions.ClientException, OSError, ValueError) as error:
        raise CannotScanError(f"the cloud cannot be used: {error}") from None
    return _adapter(
        made,
        threads,
        endpoint_override=region.get_endpoint(SERVICE),
        region_name=region.get_region_name(SERVICE),
        interface=region.get_interface(SERVICE),
    )


def _adapter(made: session.Session, threads: int, **options: Any) -> Adapter:
    """As many connections as there are threads; otherwise some are made anew for each request."""
    for scheme in ("http://", "https://"):
        made.mount(scheme, session.TCPKeepAliveAdapter(pool_maxsize=threads))
    return Adapter(made, service_type=SERVICE, **options)
