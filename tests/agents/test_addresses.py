from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accounts.agents.addresses import check_address, check_dialled, check_url, networks
from accounts.agents.errors import AddressNotAllowed

ALL = ("0.0.0.0/0", "::/0")
LISTED = ("127.0.0.0/8", "::1/128")


def allowed(url, listed=()):
    try:
        check_url(url, listed)
    except AddressNotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.5:8000",
        "http://10.0.0.5:8000/",
        "http://192.168.1.4:9000/agents/17",
        "https://vps7.example.com",
        "http://100.64.3.4:8000",
        "http://[fd12:3456::5]:8000/agents/1",
        "http://8.8.8.8",
        "http://vps_7:8000",
        "http://vps.example.com.:8000",
    ],
)
def test_public_and_private_addresses_are_allowed(url):
    assert allowed(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000",
        "http://127.9.9.9",
        "http://localhost:9100/agents/1",
        "http://LOCALHOST.:9100",
        "http://fleet.localhost",
        "http://[::1]:8000",
        "http://[::ffff:127.0.0.1]:8000",
        "http://[::ffff:7f00:1]",
        "http://[2002:7f00:1::]",
        "http://[64:ff9b::127.0.0.1]",
        "http://[::127.0.0.1]",
    ],
)
def test_loopback_is_allowed_only_when_its_network_is_listed(url):
    assert not allowed(url)
    assert not allowed(url, ("10.0.0.0/8",))
    assert allowed(url, LISTED)


def test_the_list_adds_exceptions_and_narrows_nothing():
    assert allowed("http://10.0.0.5:8000", LISTED)
    assert not allowed("http://127.0.0.1", ("127.0.0.2/32",))


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.1.1",
        "http://169.254.169.254/latest",
        "http://[fe80::1]",
        "http://[fe80::1%25eth0]",
        "http://[ff02::1]",
        "http://224.0.0.1",
        "http://0.0.0.0:8000",
        "http://0.1.2.3",
        "http://[::]",
        "http://255.255.255.255",
        "http://240.1.1.1",
        "http://100.100.100.200",
        "http://168.63.129.16",
        "http://[fd00:ec2::254]",
        "http://metadata.google.internal",
        "http://METADATA.google.internal.",
        "http://metadata",
        "http://instance-data.ec2.internal",
        "http://[::ffff:169.254.169.254]",
        "http://[2002:a9fe:a9fe::1]",
        "http://[64:ff9b::a9fe:a9fe]",
    ],
)
def test_what_is_never_an_agent_is_refused_even_when_listed(url):
    assert not allowed(url)
    assert not allowed(url, ALL)


@pytest.mark.parametrize(
    "host",
    [
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "127.1",
        "127.0.0.1.",
        "0",
        "017700000001",
    ],
)
def test_odd_spellings_of_an_address_are_refused_whatever_they_mean(host):
    assert not allowed(f"http://{host}:8000")
    assert not allowed(f"http://{host}:8000", ALL)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "10.0.0.5:8000",
        "ftp://10.0.0.5",
        "file:///etc/passwd",
        "//10.0.0.5",
        "http://",
        "http:///path",
        "http://:8000",
        "http://user@10.0.0.5",
        "http://user:pass@10.0.0.5",
        "http://@10.0.0.5",
        "http://10.0.0.5@127.0.0.1",
        "http://10.0.0.5/?x=1",
        "http://10.0.0.5?",
        "http://10.0.0.5/#",
        "http://10.0.0.5:0",
        "http://10.0.0.5:",
        "http://10.0.0.5:99999",
        "http://10.0.0.5:8a",
        "http://10.0.0.5\\@127.0.0.1",
        "http://10.0.0.5/a b",
        "http://10.0.0.5/\n",
        "ht\ntp://10.0.0.5",
        "http://10.0.0.5/../admin",
        "http://10.0.0.5/%2e%2e/admin",
        "http://exämple.com",
        "http://a..b",
        "http://-a.example",
        "http://" + "a" * 64 + ".example",
        "http://[::1",
        "http://[nonsense]",
        "http://[v1.x]",
        "http://xn--a",
        "http://10.0.0.5/" + "a" * 500,
    ],
)
def test_a_url_that_could_be_read_in_two_ways_is_refused(url):
    assert not allowed(url, ALL)


def test_the_sentence_says_what_to_do():
    with pytest.raises(AddressNotAllowed, match="AGENT_ALLOWED_NETWORKS"):
        check_url("http://localhost:9100", ())
    with pytest.raises(AddressNotAllowed, match="must not hold a user name"):
        check_url("http://me@10.0.0.5", ())


def test_a_network_that_is_none_is_refused_by_name():
    with pytest.raises(ValueError, match=r"AGENT_ALLOWED_NETWORKS: '127\.0\.0\.0/99'"):
        networks(("127.0.0.0/99",))


@given(st.text(max_size=60))
@example("http://[::ffff:0:0]")
@example("http://[v1.x]")
def test_any_text_is_either_allowed_or_refused_with_a_sentence(text):
    for url in (text, f"http://{text}", f"http://{text}:8000/agents"):
        allowed(url, LISTED)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:{}", "64:ff9b::{}", "::{}"]))
def test_an_ipv4_address_inside_an_ipv6_one_is_judged_as_itself(address, form):
    if int(address) < 2:
        return

    def judged(one: IPv4Address | IPv6Address) -> bool:
        try:
            check_address(one, networks(LISTED))
        except AddressNotAllowed:
            return False
        return True

    assert judged(address) == judged(ip_address(form.format(address)))


@given(st.ip_addresses())
def test_nothing_but_unicast_is_ever_dialled(address):
    try:
        check_dialled(str(address), networks(ALL))
    except AddressNotAllowed:
        return
    assert not address.is_multicast
    assert not address.is_link_local
    assert not address.is_unspecified


def test_a_scope_does_not_hide_a_link_local_address():
    with pytest.raises(AddressNotAllowed, match="link-local"):
        check_dialled("fe80::1%eth0", networks(ALL))
